package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/**
 * A tensor as a PyTorch checkpoint describes it: a view of a storage, counted in elements.
 *
 * @param storage where the elements are
 * @param shape of the view
 * @param strides elements from one index to the next, as many as the shape has dimensions
 * @param offset of the first element in the storage
 */
record TorchTensor(Storage storage, Shape shape, long[] strides, long offset) {
    private static final int MAX_RANK = 64;

    /** PyTorch's storage classes; the ones without an element type of ours are listed and refused when asked for. */
    private static final Map<String, Kind> KINDS = Map.of("DoubleStorage", new Kind("F64", 8, DType.F64), "FloatStorage", new Kind("F32", 4, DType.F32),
            "HalfStorage", new Kind("F16", 2, DType.F16), "BFloat16Storage", new Kind("BF16", 2, DType.BF16), "LongStorage", new Kind("I64", 8, DType.I64),
            "IntStorage", new Kind("I32", 4, DType.I32), "CharStorage", new Kind("I8", 1, DType.I8), "ByteStorage", new Kind("U8", 1, DType.U8),
            "ShortStorage", new Kind("I16", 2, null), "BoolStorage", new Kind("BOOL", 1, null));

    /** A kind of element. @param bytes of one @param dtype the engine's, or null */
    record Kind(String name, int bytes, DType dtype) {
        /** The kind of a storage class of the module {@code torch}, or null. */
        static Kind of(String storageClass) {
            return KINDS.get(storageClass);
        }
    }

    /** A run of elements in an entry of the archive. @param key the entry's name after {@code data/} @param elements that the checkpoint claims it to have */
    record Storage(Kind kind, String key, long elements) {}

    /** Checks what a checkpoint claims. @return null if the view lies within its storage, else what is wrong with it */
    static String wrong(Storage storage, long[] sizes, long[] strides, long offset) {
        if (sizes.length != strides.length || sizes.length > MAX_RANK) {
            return sizes.length + " extents and " + strides.length + " strides";
        }
        try {
            long count = 1;
            long last = offset;
            boolean empty = false;
            for (int i = 0; i < sizes.length; i++) {
                if (sizes[i] < 0 || strides[i] < 0) {
                    return "extent " + sizes[i] + " with stride " + strides[i];
                }
                empty |= sizes[i] == 0;
                count = Math.multiplyExact(count, Math.max(sizes[i], 1));
                last = Math.addExact(last, Math.multiplyExact(Math.max(sizes[i] - 1, 0), strides[i]));
            }
            if (offset < 0 || offset > storage.elements || !empty && last >= storage.elements) {
                return "elements " + offset + " to " + last;
            }
            // A stride of 0 makes any number of elements out of one; nobody saves weights so, and what is read must not be larger than the file.
            return !empty && count > storage.elements ? count + " elements, some of them repeated" : null;
        } catch (ArithmeticException e) {
            return "more elements than 2^63";
        }
    }

    /** The engine's type. @throws DataException if the engine has no such element type */
    TensorType type(String where) {
        if (storage.kind.dtype == null) {
            throw new DataException(where, "unsupported element type", storage.kind.name, "F64, F32, F16, BF16, I64, I32, I8 or U8",
                    "convert the tensor before saving, or leave it unread");
        }
        return new TensorType(storage.kind.dtype, shape);
    }

    /** Whether the elements lie in C order without gaps. */
    boolean contiguous() {
        long next = 1;
        for (int i = shape.rank() - 1; i >= 0; i--) {
            if (shape.dim(i) != 1 && strides[i] != next) {
                return shape.size() == 0;
            }
            next *= shape.dim(i);
        }
        return true;
    }

    /** Number of storage elements from the first to the last one of the view. */
    long span() {
        long last = 0;
        for (int i = 0; i < shape.rank(); i++) {
            last += Math.max(shape.dim(i) - 1, 0) * strides[i];
        }
        return shape.size() == 0 ? 0 : last + 1;
    }

    /** Brings the elements into C order. @param source the storage from the offset on @param dst as many elements as the shape has */
    void gather(MemorySegment source, MemorySegment dst) {
        int rank = shape.rank();
        int width = storage.kind.bytes;
        long[] index = new long[rank];
        long from = 0;
        long n = shape.size();
        for (long to = 0; to < n; to++) {
            copy(source, from, dst, to, width);
            for (int d = rank - 1; d >= 0; d--) {
                from += strides[d];
                if (++index[d] < shape.dim(d)) {
                    break;
                }
                from -= index[d] * strides[d];
                index[d] = 0;
            }
        }
    }

    private static void copy(MemorySegment source, long from, MemorySegment dst, long to, int width) {
        switch (width) {
            case 1 -> dst.set(ValueLayout.JAVA_BYTE, to, source.get(ValueLayout.JAVA_BYTE, from));
            case 2 -> dst.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * to, source.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * from));
            case 4 -> dst.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * to, source.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * from));
            default -> dst.set(ValueLayout.JAVA_LONG_UNALIGNED, 8 * to, source.get(ValueLayout.JAVA_LONG_UNALIGNED, 8 * from));
        }
    }
}
