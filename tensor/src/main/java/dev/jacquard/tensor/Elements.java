package dev.jacquard.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Single elements in host memory, read and written as doubles. To a floating type values are rounded to nearest even, to an integer type truncated
 * towards zero and saturated, NaN becoming 0.
 */
public final class Elements {
    private Elements() {}

    /** The element at an index. */
    public static double get(MemorySegment m, DType dtype, long i) {
        return switch (dtype) {
            case F32 -> m.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * 4);
            case F16 -> Float.float16ToFloat(m.get(ValueLayout.JAVA_SHORT_UNALIGNED, i * 2));
            case BF16 -> Halves.bf16ToFloat(m.get(ValueLayout.JAVA_SHORT_UNALIGNED, i * 2));
            case F64 -> m.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, i * 8);
            case I8 -> m.get(ValueLayout.JAVA_BYTE, i);
            case U8 -> m.get(ValueLayout.JAVA_BYTE, i) & 0xff;
            case I32 -> m.get(ValueLayout.JAVA_INT_UNALIGNED, i * 4);
            case I64 -> m.get(ValueLayout.JAVA_LONG_UNALIGNED, i * 8);
        };
    }

    /** Sets the element at an index. */
    public static void set(MemorySegment m, DType dtype, long i, double value) {
        setAt(m, dtype, i * dtype.bytes(), value);
    }

    /** Sets the element at a byte offset. */
    public static void setAt(MemorySegment m, DType dtype, long at, double value) {
        switch (dtype) {
            case F32 -> m.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) value);
            case F16 -> m.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16((float) value));
            case BF16 -> m.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Halves.floatToBf16((float) value));
            case F64 -> m.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, at, value);
            case I8 -> m.set(ValueLayout.JAVA_BYTE, at, (byte) Math.clamp((long) value, Byte.MIN_VALUE, Byte.MAX_VALUE));
            case U8 -> m.set(ValueLayout.JAVA_BYTE, at, (byte) Math.clamp((long) value, 0, 255));
            case I32 -> m.set(ValueLayout.JAVA_INT_UNALIGNED, at, Math.clamp((long) value, Integer.MIN_VALUE, Integer.MAX_VALUE));
            case I64 -> m.set(ValueLayout.JAVA_LONG_UNALIGNED, at, (long) value);
        }
    }

    /** A value as an element type holds it. */
    public static double round(DType dtype, double value) {
        return switch (dtype) {
            case F32 -> (float) value;
            case F16 -> Float.float16ToFloat(Float.floatToFloat16((float) value));
            case BF16 -> Halves.bf16ToFloat(Halves.floatToBf16((float) value));
            case F64 -> value;
            case I8 -> Math.clamp((long) value, Byte.MIN_VALUE, Byte.MAX_VALUE);
            case U8 -> Math.clamp((long) value, 0, 255);
            case I32 -> Math.clamp((long) value, Integer.MIN_VALUE, Integer.MAX_VALUE);
            case I64 -> (long) value;
        };
    }
}
