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

    /** Whether this is one of the 16-bit formats. */
    public boolean isHalf() {
        return this == F16 || this == BF16;
    }

    /** The type in which sums over values of this type, and the few numbers that stand for many of them, are kept: F32 for the halves, for others the type itself. */
    public DType wide() {
        return isHalf() ? F32 : this;
    }

    /** Lower-case name, as printed in graphs and case names: {@code f32}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
