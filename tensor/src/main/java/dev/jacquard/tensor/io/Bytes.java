package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Halves;
import dev.jacquard.tensor.TensorType;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.function.Consumer;

/** Bytes between files and memory, in pieces of bounded size. */
final class Bytes {
    /** Native memory goes to the system call as it is; the bound only keeps single calls short. */
    private static final int NATIVE_PIECE = 8 << 20;
    /** Heap memory is staged: the JDK keeps a direct buffer per thread as large as the largest heap buffer it was given. */
    private static final int HEAP_PIECE = 256 << 10;

    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** What the caller's memory holds: floats of this machine. */
    private static final ValueLayout.OfFloat OUT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private Bytes() {
    }

    /** Fills a segment from a position of a file. @throws EOFException if the file ends before */
    static void read(FileChannel file, long position, MemorySegment dst) throws IOException {
        long size = dst.byteSize();
        byte[] stage = dst.isNative() ? null : new byte[(int) Math.min(size, HEAP_PIECE)];
        for (long at = 0; at < size; ) {
            int n = (int) Math.min(size - at, stage == null ? NATIVE_PIECE : stage.length);
            MemorySegment piece = dst.asSlice(at, n);
            ByteBuffer buffer = stage == null ? piece.asByteBuffer() : ByteBuffer.wrap(stage, 0, n);
            while (buffer.hasRemaining()) {
                if (file.read(buffer, position + at + buffer.position()) < 0) {
                    throw new EOFException("file ends at byte " + file.size());
                }
            }
            if (stage != null) {
                MemorySegment.copy(MemorySegment.ofArray(stage), 0, piece, 0, n);
            }
            at += n;
        }
    }

    /** Appends a segment to a file. */
    static void write(FileChannel file, MemorySegment src) throws IOException {
        long size = src.byteSize();
        byte[] stage = src.isNative() ? null : new byte[(int) Math.min(size, HEAP_PIECE)];
        for (long at = 0; at < size; ) {
            int n = (int) Math.min(size - at, stage == null ? NATIVE_PIECE : stage.length);
            MemorySegment piece = src.asSlice(at, n);
            if (stage != null) {
                MemorySegment.copy(piece, 0, MemorySegment.ofArray(stage), 0, n);
            }
            ByteBuffer buffer = stage == null ? piece.asByteBuffer() : ByteBuffer.wrap(stage, 0, n);
            while (buffer.hasRemaining()) {
                file.write(buffer);
            }
            at += n;
        }
    }

    /**
     * Reads a floating tensor as F32, whatever it is stored as, in pieces.
     *
     * @param where file and tensor, for the messages
     * @param dst 4 bytes per element
     */
    static void readFloats(FileChannel file, long position, TensorType type, String where, MemorySegment dst) throws IOException {
        if (type.dtype() == DType.F32 && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
            read(file, position, dst);
            return;
        }
        long n = type.shape().size();
        int width = type.dtype().bytes();
        byte[] stage = new byte[(int) Math.min(n * width, HEAP_PIECE)];
        MemorySegment source = MemorySegment.ofArray(stage);
        int perPiece = HEAP_PIECE / width;
        for (long at = 0; at < n; at += perPiece) {
            int count = (int) Math.min(n - at, perPiece);
            read(file, position + at * width, source.asSlice(0, (long) count * width));
            toFloats(type.dtype(), source, count, where, dst.asSlice(at * 4));
        }
    }

    /**
     * Floating elements as F32.
     *
     * @param source elements in C order, little-endian
     * @param where file and tensor, for the messages
     * @param dst 4 bytes per element
     */
    static void toFloats(DType dtype, MemorySegment source, long count, String where, MemorySegment dst) {
        for (long i = 0; i < count; i++) {
            dst.set(OUT, i * 4, toFloat(dtype, source, i, where));
        }
    }

    private static float toFloat(DType dtype, MemorySegment s, long i, String where) {
        return switch (dtype) {
            case F32 -> s.get(F32, i * 4);
            case F16 -> Float.float16ToFloat(s.get(I16, i * 2));
            case BF16 -> Halves.bf16ToFloat(s.get(I16, i * 2));
            case F64 -> (float) s.get(F64, i * 8);
            case I8, U8, I32, I64 -> throw notFloating(dtype, where);
        };
    }

    /** Refuses what has no fraction; said before anything is allocated. */
    static void requireFloating(DType dtype, String where) {
        if (!dtype.isFloating()) {
            throw notFloating(dtype, where);
        }
    }

    private static DataException notFloating(DType dtype, String where) {
        return new DataException(where, "not a floating tensor", dtype.toString(), "f32, f16, bf16 or f64", "read its bytes instead");
    }

    /** A floating tensor as an array. @param fill writes 4 bytes per element */
    static float[] array(TensorType type, String where, Consumer<MemorySegment> fill) {
        requireFloating(type.dtype(), where);
        float[] values = new float[arrayLength(type, where)];
        fill.accept(MemorySegment.ofArray(values));
        return values;
    }

    /** The elements of a tensor as an array length. */
    private static int arrayLength(TensorType type, String where) {
        long n = type.shape().size();
        if (n > Integer.MAX_VALUE - 8) {
            throw new DataException(where, "too large for one array", n + " elements", "fewer than 2^31 - 8", "read it into a memory segment");
        }
        return (int) n;
    }

    /** Checks memory that the caller handed in. */
    static void requireSize(MemorySegment segment, long bytes, String where) {
        if (segment.byteSize() != bytes) {
            throw new DataException(where, "memory does not fit the tensor", segment.byteSize() + " bytes", bytes + " bytes",
                    "pass a slice of exactly that size");
        }
    }

    /** As {@link #requireSize}, for memory that is written to. */
    static void requireTarget(MemorySegment dst, long bytes, String where) {
        requireSize(dst, bytes, where);
        if (dst.isReadOnly()) {
            throw new DataException(where, "memory cannot be written", "a read-only segment", "a writable one", "do not pass asReadOnly()");
        }
    }
}
