package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * One array in an .npy file of NumPy (format versions 1, 2 and 3; NEP 1): little-endian, C order, element types f4, f8, f2,
 * i1, u1, i4 and i8. Files with objects, structures, other byte orders or Fortran order are refused, with what to do in
 * NumPy.
 *
 * <p>{@link #open} checks the header against the size of the file before anything is allocated; bytes after the array are
 * refused. Reads are positional and may run in several threads at once; a thread that is interrupted in the middle of a
 * read closes the file for all, as channels of the JDK do. Every failure is a {@link DataException} that names the file.
 */
public final class Npy implements AutoCloseable {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    /** What NumPy writes for plain arrays is a few hundred bytes. */
    private static final int MAX_HEADER = 1 << 16;

    private final Path path;
    private final String file;
    private final FileChannel channel;
    private final TensorType type;
    private final long dataStart;

    private Npy(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.file = FileErrors.name(path);
        this.channel = channel;
        long size = channel.size();
        byte[] prefix = new byte[(int) Math.min(size, 12)];
        Bytes.read(channel, 0, MemorySegment.ofArray(prefix));
        if (prefix.length < 10 || !Arrays.equals(prefix, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw bad("no npy file", size < 10 ? size + " bytes" : "other first bytes", "the bytes \\x93NUMPY first");
        }
        int version = prefix[6];
        if (version < 1 || version > 3 || prefix[7] != 0) {
            throw bad("unknown version of the format", (version & 0xff) + "." + (prefix[7] & 0xff), "1.0, 2.0 or 3.0");
        }
        int textStart = version == 1 ? 10 : 12;
        if (prefix.length < textStart) {
            throw bad("truncated file", size + " bytes", "a header");
        }
        long n = 0;
        for (int i = textStart - 1; i >= 8; i--) {
            n = n << 8 | prefix[i] & 0xff;
        }
        if (n > MAX_HEADER || n > size - textStart) {
            throw bad("header length out of range", n + " bytes", "at most " + Math.min(MAX_HEADER, size - textStart) + " in a file of " + size);
        }
        byte[] text = new byte[(int) n];
        Bytes.read(channel, textStart, MemorySegment.ofArray(text));
        this.type = NpyHeader.parse(file, version, text);
        this.dataStart = textStart + n;
        long held = size - dataStart;
        if (held != type.bytes()) {
            throw bad(held < type.bytes() ? "truncated file" : "bytes after the array", held + " bytes of data", type.bytes() + " for " + type);
        }
    }

    /** Opens a file and checks its header. @throws DataException if the file is missing or not as the format has it */
    public static Npy open(Path path) {
        return FileErrors.open(path, channel -> new Npy(path, channel));
    }

    /**
     * Writes an array, atomically (see {@link AtomicFile}), byte for byte as NumPy would.
     *
     * @param type any element type but BF16, which NumPy lacks
     * @param src exactly {@code type.bytes()} bytes in C order, little-endian, native or heap
     * @throws DataException if type and memory do not fit or the disk refuses
     */
    public static void write(Path path, TensorType type, MemorySegment src) {
        String file = FileErrors.name(path);
        byte[] header = NpyHeader.print(file, type);
        Bytes.requireSize(src, type.bytes(), file);
        AtomicFile.write(path, channel -> {
            Bytes.write(channel, MemorySegment.ofArray(header));
            Bytes.write(channel, src);
        });
    }

    /** Element type and shape. */
    public TensorType type() {
        return type;
    }

    /**
     * Copies the array's bytes as they are in the file: elements in C order, little-endian.
     *
     * @param dst exactly {@code type().bytes()} bytes, native or heap
     */
    public void read(MemorySegment dst) {
        Bytes.requireTarget(dst, type.bytes(), file);
        try {
            Bytes.read(channel, dataStart, dst);
        } catch (IOException e) {
            throw FileErrors.io(path, "cannot be read", e);
        }
    }

    /** A floating array as F32, converted from f2 or f8 if it is stored so. */
    public float[] floats() {
        return Bytes.array(type, file, this::floats);
    }

    /**
     * A floating array as F32 into memory, converted as by {@link #floats()}.
     *
     * @param dst exactly 4 bytes per element, native or heap
     */
    public void floats(MemorySegment dst) {
        Bytes.requireFloating(type.dtype(), file);
        Bytes.requireTarget(dst, type.withDType(DType.F32).bytes(), file);
        try {
            Bytes.readFloats(channel, dataStart, type, file, dst);
        } catch (IOException e) {
            throw FileErrors.io(path, "cannot be read", e);
        }
    }

    /** Closes the file; reading fails from here on. */
    @Override
    public void close() {
        FileErrors.closeQuietly(channel);
    }

    private DataException bad(String problem, String got, String expected) {
        return new DataException(file, problem, got, expected, NpyHeader.REMEDY);
    }
}
