package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;

/**
 * A file of named tensors that is open for reading, in one of the formats that people exchange weights in. Opening reads what the file says of its tensors, not the tensors;
 * nothing a file claims is believed before it was compared with the file's size. Reads are positional and may run in several threads at once. Every failure is a
 * {@link DataException} that names the file.
 */
public sealed interface TensorFile extends AutoCloseable permits OpenTensorFile {
    /**
     * Opens a file of either format, told apart by their first bytes and not by the name.
     *
     * @throws DataException if the file is missing, damaged, or of neither format
     */
    static TensorFile open(Path path) {
        byte[] head = head(path);
        return TorchCheckpoint.isZip(head) || TorchCheckpoint.isLegacy(head) ? TorchCheckpoint.open(path) : SafeTensors.open(path);
    }

    private static byte[] head(Path path) {
        byte[] head = new byte[TorchCheckpoint.HEAD_BYTES];
        FileChannel channel = FileErrors.openForReading(path);
        try {
            int n = (int) Math.min(head.length, channel.size());
            Bytes.read(channel, 0, MemorySegment.ofArray(head).asSlice(0, n));
            return Arrays.copyOf(head, n);
        } catch (IOException e) {
            throw FileErrors.io(path, "cannot be read", e);
        } finally {
            FileErrors.closeQuietly(channel);
        }
    }

    /** Names of all tensors, in the order of the file. */
    Set<String> names();

    /** The strings that the file carries beside its tensors. */
    Map<String, String> metadata();

    /** Type of a tensor. @throws DataException if there is none of that name, or the engine lacks its element type */
    TensorType type(String name);

    /**
     * Copies a tensor's elements: in C order, little-endian.
     *
     * @param dst exactly {@code type(name).bytes()} bytes, native or heap
     */
    void read(String name, MemorySegment dst);

    /** A floating tensor as an array of F32, converted from F16, BF16 or F64 if it is stored so. */
    float[] floats(String name);

    /**
     * A floating tensor as F32 into memory, converted as by {@link #floats(String)}.
     *
     * @param dst exactly 4 bytes per element, native or heap
     */
    void floats(String name, MemorySegment dst);

    /** Closes the file; reading fails from here on. */
    @Override
    void close();
}
