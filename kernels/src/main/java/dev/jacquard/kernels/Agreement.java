package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Accuracy;

/**
 * How far two right results for operands in [-1, 1] may be apart: twice as far as each may be from the exact one, by the same rules as the test kit's tolerances (16 u relative, 16
 * u sqrt(n) absolute for a sum of n terms in F32, a rounding of the store), with the rounding of operands to TF32 where that is permitted. A wrong tile, tap or scale is off by the
 * size of the values themselves.
 *
 * @param absolute share of the values' size, or of 1 if that is larger
 */
record Agreement(double absolute) {
    private static final double F32_ROUNDOFF = 0x1p-24;
    /** Of each product, twice over; errors of a sum are a random walk, which eight of its standard deviations contain. */
    private static final double TF32_ROUNDOFF = 0x1p-9;

    /** For results of an accuracy. */
    static Agreement of(Accuracy accuracy, boolean tf32) {
        return new Agreement(2 * 16 * F32_ROUNDOFF * Math.sqrt(accuracy.length()) + (tf32 ? TF32_ROUNDOFF * Math.sqrt(accuracy.length()) : 0));
    }

    /** The first index at which results differ; -1 for none. */
    int difference(DType type, double[] want, double[] got) {
        double size = 0;
        int finite = 0;
        for (double v : want) {
            if (Double.isFinite(v)) {
                size += v * v;
                finite++;
            }
        }
        double floor = absolute * Math.max(1, Math.sqrt(size / Math.max(1, finite)));
        for (int i = 0; i < want.length; i++) {
            if (Double.compare(want[i], got[i]) != 0 && !(Math.abs(want[i] - got[i]) <= relative(type) * Math.abs(want[i]) + (type.isFloating() ? floor : whole(type)))) {
                return i;
            }
        }
        return -1;
    }

    private static double relative(DType type) {
        return switch (type) {
            case F16 -> 2 * 1.5 * 0x1p-11;
            case BF16 -> 2 * 1.5 * 0x1p-8;
            case F32, F64 -> 2 * 16 * F32_ROUNDOFF;
            case I8, U8, I32, I64 -> 0;
        };
    }

    /** Requantised results are rounded from F32 and may fall to either side; sums of integers are exact. */
    private static double whole(DType type) {
        return type == DType.I8 || type == DType.U8 ? 1 : 0;
    }
}
