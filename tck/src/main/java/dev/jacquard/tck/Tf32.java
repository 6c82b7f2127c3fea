package dev.jacquard.tck;

/** TF32, the format in which tensor cores read operands that are stored as F32: sign, 8 bits of exponent, 10 of mantissa. */
public final class Tf32 {
    /** Bits of an F32's mantissa that TF32 has not. */
    private static final int DROPPED = 13;

    private Tf32() {}

    /** The nearest TF32 number, ties away from zero, as {@code cvt.rna.tf32.f32} gives it (PTX ISA, "cvt"). NaN and infinities stay; what is too large becomes infinite. */
    public static float round(float value) {
        if (!Float.isFinite(value)) {
            return value;
        }
        return truncate(Float.intBitsToFloat(Float.floatToRawIntBits(value) + (1 << DROPPED - 1)));
    }

    /** The TF32 number towards zero: what tensor cores make of an operand that nobody rounded. */
    public static float truncate(float value) {
        return Float.intBitsToFloat(Float.floatToRawIntBits(value) & -(1 << DROPPED));
    }
}
