package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * Reads tensors by name from a safetensors file: 8 bytes of header length, a header in JSON, the bytes of the tensors.
 * The format is that of huggingface/safetensors; where its library is lenient about a damaged file, so much as an unknown
 * key, this reader refuses.
 *
 * <p>{@link #open} reads and checks the header only: no claim of the file is believed before it was compared with the
 * file's size, so nothing larger than the file is ever allocated. Reads are positional and may run in several threads at
 * once; a thread that is interrupted in the middle of a read closes the file for all, as channels of the JDK do.
 *
 * <p>Element types of the format that the engine lacks (BOOL, I16, U16, ...) are listed by {@link #names} and refused when
 * asked for. Every failure is a {@link DataException} that names the file and the tensor.
 */
public final class SafeTensors extends OpenTensorFile {
    private final SafeTensorsHeader header;
    private final long dataStart;

    private SafeTensors(Path path, FileChannel channel) throws IOException {
        super(path, channel);
        long size = channel.size();
        if (size < Long.BYTES) {
            throw new DataException(file, "truncated file", size + " bytes", "at least 8, the length of the header", SafeTensorsHeader.REMEDY);
        }
        byte[] length = new byte[Long.BYTES];
        Bytes.read(channel, 0, MemorySegment.ofArray(length));
        long n = MemorySegment.ofArray(length).get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        // Negative is unsigned and beyond 2^63.
        if (n < 0 || n > SafeTensorsHeader.MAX_BYTES || n > size - Long.BYTES) {
            throw new DataException(file, "header length out of range", Long.toUnsignedString(n) + " bytes",
                    "at most " + Math.min(SafeTensorsHeader.MAX_BYTES, size - Long.BYTES) + " in a file of " + size, SafeTensorsHeader.REMEDY);
        }
        byte[] text = new byte[(int) n];
        Bytes.read(channel, Long.BYTES, MemorySegment.ofArray(text));
        this.dataStart = Long.BYTES + n;
        this.header = SafeTensorsHeader.parse(file, text, size - dataStart);
    }

    /** Opens a file and checks its header. @throws DataException if the file is missing or not as the format has it */
    public static SafeTensors open(Path path) {
        return FileErrors.open(path, channel -> new SafeTensors(path, channel));
    }

    /**
     * Begins a file; it appears at {@code path}, whole, when the writer is closed.
     *
     * @throws DataException if no file can be made there
     */
    public static SafeTensorsWriter writer(Path path) {
        return new SafeTensorsWriter(path);
    }

    /** Names of all tensors, in the order of the header. */
    @Override
    public Set<String> names() {
        return header.entries().keySet();
    }

    /** The strings that the file carries beside its tensors. */
    @Override
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /** Type of a tensor. @throws DataException if there is none of that name, or the engine lacks its element type */
    @Override
    public TensorType type(String name) {
        return entry(name).type(where(name));
    }

    @Override
    void copy(String name, TensorType type, MemorySegment dst) throws IOException {
        Bytes.read(channel, dataStart + entry(name).begin(), dst);
    }

    @Override
    void copyFloats(String name, TensorType type, MemorySegment dst) throws IOException {
        Bytes.readFloats(channel, dataStart + entry(name).begin(), type, where(name), dst);
    }

    private SafeTensorsHeader.Entry entry(String name) {
        SafeTensorsHeader.Entry entry = header.entries().get(name);
        if (entry == null) {
            throw unknown(name);
        }
        return entry;
    }
}
