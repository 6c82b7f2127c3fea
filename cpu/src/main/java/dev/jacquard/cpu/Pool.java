package dev.jacquard.cpu;

/**
 * Max and average pooling over NHWC, both directions, as {@link Conv}-like plans of three addresses and a workspace.
 * The window is that of a {@link ConvShape} with k = c = groups; dilation is allowed.
 */
public final class Pool {
    private Pool() {}

    /**
     * {@code run(x, taps, y, workspace)}: y (N, OH, OW, C) and the tap number r * S + s (int32, same shape) each maximum came
     * from; the first of equals, the first NaN over all. A window wholly in the padding gives negative infinity and tap -1.
     */
    public static Conv maxForward(ConvShape shape, Workers workers, Simd simd) {
        return new Windowed(GatherPlan.forward(shape), Windowed.Kind.MAX, null, workers, simd);
    }

    /** {@code run(dy, taps, dx, workspace)}, taps as written by the forward. */
    public static Conv maxBackward(ConvShape shape, Workers workers, Simd simd) {
        return new Windowed(GatherPlan.backwardData(shape), Windowed.Kind.MAX_BACKWARD, null, workers, simd);
    }

    /** {@code run(x, 0, y, workspace)}. Without countPadding the divisor is the number of pixels inside the image. */
    public static Conv averageForward(ConvShape shape, boolean countPadding, Workers workers, Simd simd) {
        return new Windowed(GatherPlan.forward(shape), Windowed.Kind.AVERAGE, factors(shape, countPadding), workers, simd);
    }

    /** {@code run(dy, 0, dx, workspace)}. */
    public static Conv averageBackward(ConvShape shape, boolean countPadding, Workers workers, Simd simd) {
        return new Windowed(GatherPlan.backwardData(shape), Windowed.Kind.AVERAGE, factors(shape, countPadding), workers, simd);
    }

    private static float[] factors(ConvShape s, boolean countPadding) {
        GatherPlan plan = GatherPlan.forward(s);
        TapAxis rows = plan.rows()[0];
        TapAxis columns = plan.columns()[0];
        float[] factors = new float[s.oh() * s.ow()];
        for (int i = 0; i < s.oh(); i++) {
            for (int j = 0; j < s.ow(); j++) {
                int inside = (rows.high()[i] - rows.low()[i]) * (columns.high()[j] - columns.low()[j]);
                factors[i * s.ow() + j] = 1f / (countPadding ? s.r() * s.s() : Math.max(1, inside));
            }
        }
        return factors;
    }
}
