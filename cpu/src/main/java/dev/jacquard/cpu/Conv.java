package dev.jacquard.cpu;

import dev.jacquard.tensor.ShapeException;

/**
 * One direction of one convolution, planned for its shape: NHWC float32 at native addresses, weights KRSC.
 *
 * <p>Results are bitwise the same for every thread count. A run allocates nothing. A plan is not for two threads at once.
 */
public interface Conv {
    /** Scratch that {@link #run} needs, in bytes; should lie on a cache line. */
    long workspaceBytes();

    /**
     * Runs the plan; the output is overwritten and must not overlap an input.
     *
     * @param first forward: x; backward of data: dy; backward of weight: x
     * @param second forward: w; backward of data: w; backward of weight: dy
     * @param out forward: y; backward of data: dx; backward of weight: dw
     */
    void run(long first, long second, long out, long workspace);

    /** y = conv(x, w): {@code run(x, w, y, workspace)}. */
    static Conv forward(ConvShape shape, Workers workers, Simd simd) {
        check(shape);
        GatherPlan plan = GatherPlan.forward(shape);
        return shape.depthwise() ? new Windowed(plan, Windowed.Kind.DEPTHWISE, null, workers, simd) : new GatherConv(plan, workers, simd);
    }

    /** dx from dy and w: {@code run(dy, w, dx, workspace)}. */
    static Conv backwardData(ConvShape shape, Workers workers, Simd simd) {
        check(shape);
        GatherPlan plan = GatherPlan.backwardData(shape);
        return shape.depthwise() ? new Windowed(plan, Windowed.Kind.DEPTHWISE, null, workers, simd) : new GatherConv(plan, workers, simd);
    }

    /** dw from x and dy: {@code run(x, dy, dw, workspace)}. */
    static Conv backwardWeight(ConvShape shape, Workers workers, Simd simd) {
        check(shape);
        return shape.depthwise() ? new DepthwiseWeightGradient(shape, workers, simd) : new WeightGradientConv(shape, workers, simd);
    }

    private static void check(ConvShape s) {
        boolean sizes = s.n() >= 1 && s.h() >= 1 && s.w() >= 1 && s.c() >= 1 && s.k() >= 1 && s.r() >= 1 && s.s() >= 1;
        boolean steps = s.strideH() >= 1 && s.strideW() >= 1 && s.dilationH() >= 1 && s.dilationW() >= 1 && s.groups() >= 1;
        boolean pads = s.padTop() >= 0 && s.padBottom() >= 0 && s.padLeft() >= 0 && s.padRight() >= 0;
        if (!sizes || !steps || !pads || s.c() % s.groups() != 0 || s.k() % s.groups() != 0
                || s.h() + s.padTop() + s.padBottom() <= s.dilationH() * (s.r() - 1)
                || s.w() + s.padLeft() + s.padRight() <= s.dilationW() * (s.s() - 1)) {
            throw new ShapeException("conv2d", "shape is not a convolution", s.toString(),
                    "positive sizes, groups that divide c and k, a kernel no larger than the padded image", "check padding, dilation and groups");
        }
    }
}
