package dev.jacquard.tensor;

/**
 * Conversions between F32 and bfloat16, which the JDK lacks (for F16 it has {@link Float#floatToFloat16} and
 * {@link Float#float16ToFloat}; both sides round to nearest, ties to even).
 */
public final class Halves {
    private static final int QUIET = 0x40;

    private Halves() {
    }

    /** The value of a bfloat16, exact: its bits are the upper half of the float's. */
    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /**
     * The nearest bfloat16, ties to even. Values beyond the largest finite bfloat16 round to infinity by the same rule,
     * subnormals and signed zeros are kept. A NaN stays a NaN of the same sign and upper payload, made quiet.
     */
    public static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            // Without the quiet bit, a payload that lives in the lower half only would turn into an infinity.
            return (short) (bits >>> 16 | QUIET);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }
}
