package dev.jacquard.tensor;

import java.util.Locale;

/**
 * Element types. The half-precision formats are storage formats: arithmetic on them is done in F32 and rounded once
 * (round to nearest, ties to even).
 */
public enum DType {
    /** IEEE 754 binary32. */
    F32(4, true),
    /** IEEE 754 binary16. */
    F16(2, true),
    /** bfloat16: the upper half of a binary32. */
    BF16(2, true),
    /** IEEE 754 binary64; what gradient checks run in. */
    F64(8, true),
    /** Signed 8-bit integer. */
    I8(1, false),
    /** Unsigned 8-bit integer; what image batches arrive in. */
    U8(1, false),
    /** Signed 32-bit integer; class labels and indices. */
    I32(4, false),
    /** Signed 64-bit integer. */
    I64(8, false);

    private final int bytes;
    private final boolean floating;

    DType(int bytes, boolean floating) {
        this.bytes = bytes;
        this.floating = floating;
    }

    /** Bytes per element. */
    public int bytes() {
        return bytes;
    }

    /** Whether values have a fraction; only floating types carry gradients. */
    public boolean isFloating() {
        return floating;
    }

    /** Lower-case name, as printed in graphs and case names: {@code f32}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
