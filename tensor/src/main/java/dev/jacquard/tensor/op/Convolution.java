package dev.jacquard.tensor.op;

import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * 2-D convolution (cross-correlation, as everywhere in the field) of NHWC images with KRSC weights, and its two gradients.
 * The three are bilinear in each other's operands, so the family is closed under differentiation.
 */
public sealed interface Convolution extends Op {
    /** Stride, padding, dilation. */
    Window window();

    /** Number of groups that inputs and outputs are split into; the input's channels make it depthwise. */
    int groups();

    /** FLOPs of any of the three, from the forward's weight and output types. */
    private static long flops(TensorType weight, TensorType y) {
        return 2 * y.shape().size() * weight.shape().size() / Math.max(weight.shape().dim(0), 1);
    }

    private static TensorType output(Convolution op, TensorType x, TensorType w) {
        Types.rank(op, "images", x, 4, "(N, H, W, C)");
        Types.rank(op, "weights", w, 4, "(K, R, S, C/groups)");
        long c = x.shape().dim(3);
        long k = w.shape().dim(0);
        if (op.groups() < 1 || c % op.groups() != 0 || k % op.groups() != 0) {
            throw new ShapeException(op.name(), "groups do not divide the channels", op.groups() + " groups, C = " + c + ", K = " + k, "a divisor of both", "check groups");
        }
        if (w.shape().dim(3) != c / op.groups()) {
            throw new ShapeException(op.name(), "channels differ", "images " + x.shape() + ", weights " + w.shape() + ", groups " + op.groups(),
                    "weights' last extent == C / groups = " + c / op.groups(), "weights are (K, R, S, C/groups), images (N, H, W, C)");
        }
        long oh = op.window().outH(x.shape().dim(1), w.shape().dim(1));
        long ow = op.window().outW(x.shape().dim(2), w.shape().dim(2));
        if (oh < 1 || ow < 1) {
            throw new ShapeException(op.name(), "kernel does not fit the padded image", "images " + x.shape() + ", weights " + w.shape(), "an output of at least 1x1",
                    "pad more, or use larger images");
        }
        return TensorType.of(x.dtype(), x.shape().dim(0), oh, ow, k);
    }

    private static void check(Convolution op, List<TensorType> in) {
        Types.count(op, in, 2);
        Types.same(op, in);
        Types.floating(op, in);
    }

    /** y(N, OH, OW, K) from images x(N, H, W, C) and weights w(K, R, S, C/groups). */
    record Conv2d(Window window, int groups) implements Convolution {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in);
            return List.of(output(this, in.get(0), in.get(1)));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, flops(in.get(1), out.getFirst()));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            TensorType w = in.get(1);
            return Accuracy.matmul(w.shape().dim(1) * w.shape().dim(2) * w.shape().dim(3));
        }
    }

    /** dx(N, h, w, C) from dy(N, OH, OW, K) and weights(K, R, S, C/groups). */
    record Conv2dBackwardData(Window window, int groups, long h, long w) implements Convolution {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in);
            Types.rank(this, "gradient", in.get(0), 4, "(N, OH, OW, K)");
            Types.rank(this, "weights", in.get(1), 4, "(K, R, S, C/groups)");
            TensorType x = TensorType.of(in.get(0).dtype(), in.get(0).shape().dim(0), h, w, in.get(1).shape().dim(3) * groups);
            Types.shape(this, "gradient", in.get(0), output(this, x, in.get(1)));
            return List.of(x);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, flops(in.get(1), in.get(0)));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            TensorType w = in.get(1);
            return Accuracy.matmul(w.shape().dim(0) / groups * w.shape().dim(1) * w.shape().dim(2));
        }
    }

    /** dw(K, r, s, C/groups) from images x(N, H, W, C) and dy(N, OH, OW, K). */
    record Conv2dBackwardWeight(Window window, int groups, long r, long s) implements Convolution {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in);
            Types.rank(this, "images", in.get(0), 4, "(N, H, W, C)");
            Types.rank(this, "gradient", in.get(1), 4, "(N, OH, OW, K)");
            TensorType w = TensorType.of(in.get(0).dtype(), in.get(1).shape().dim(3), r, s, in.get(0).shape().dim(3) / Math.max(groups, 1));
            Types.shape(this, "gradient", in.get(1), output(this, in.get(0), w));
            return List.of(w);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, flops(out.getFirst(), in.get(1)));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.matmul(in.get(1).shape().size() / Math.max(in.get(1).shape().dim(3), 1));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        List<Sample> forward = new ArrayList<>();
        List<Sample> data = new ArrayList<>();
        List<Sample> weight = new ArrayList<>();
        for (Case c : Case.ALL) {
            Operand x = Operand.of(c.n, c.h, c.w, c.c);
            Operand w = Operand.of(c.k, c.r, c.s, c.c / c.groups);
            Operand dy = Operand.of(c.n, c.window.outH(c.h, c.r), c.window.outW(c.w, c.s), c.k);
            forward.add(Sample.of(new Conv2d(c.window, c.groups), x, w));
            data.add(Sample.of(new Conv2dBackwardData(c.window, c.groups, c.h, c.w), dy, w));
            weight.add(Sample.of(new Conv2dBackwardWeight(c.window, c.groups, c.r, c.s), x, dy));
        }
        Conv2d plain = new Conv2d(Window.of(1, 0), 1);
        return List.of(
                new OpRow(Conv2d.class, "sum over taps and channels of x w", List.copyOf(forward), List.of())
                        .refuses(plain, "channels differ", TensorType.f32(1, 5, 5, 3), TensorType.f32(4, 3, 3, 2))
                        .refuses(plain, "does not fit", TensorType.f32(1, 2, 2, 3), TensorType.f32(4, 3, 3, 3))
                        .refuses(new Conv2d(Window.of(1, 0), 2), "groups do not divide", TensorType.f32(1, 5, 5, 3), TensorType.f32(4, 3, 3, 2))
                        .refuses(plain, "wrong rank", TensorType.f32(5, 5, 3), TensorType.f32(4, 3, 3, 3)),
                new OpRow(Conv2dBackwardData.class, "gradient by the images", List.copyOf(data), List.of())
                        .refuses(new Conv2dBackwardData(Window.of(1, 1), 1, 5, 5), "wrong shape", TensorType.f32(1, 4, 4, 4), TensorType.f32(4, 3, 3, 3)),
                new OpRow(Conv2dBackwardWeight.class, "gradient by the weights", List.copyOf(weight), List.of())
                        .refuses(new Conv2dBackwardWeight(Window.of(1, 1), 1, 3, 3), "wrong shape", TensorType.f32(1, 5, 5, 3), TensorType.f32(1, 4, 4, 4)));
    }

    /** One convolution problem; the three ops are sampled on each. */
    record Case(long n, long h, long w, long c, long k, long r, long s, Window window, int groups) {
        private static final Window ONE = Window.of(1, 0);
        private static final Window SAME3 = Window.of(1, 1);
        private static final Window HALF3 = Window.of(2, 1);

        static final List<Case> ALL = List.of(
                new Case(1, 1, 1, 1, 1, 1, 1, ONE, 1),
                new Case(2, 5, 7, 3, 4, 3, 3, SAME3, 1),
                new Case(2, 5, 7, 3, 4, 3, 3, HALF3, 1),
                new Case(1, 8, 8, 16, 33, 1, 1, ONE, 1),
                new Case(3, 6, 5, 7, 13, 1, 1, Window.of(2, 0), 1),
                new Case(1, 9, 9, 3, 8, 7, 7, Window.of(2, 3), 1),
                new Case(7, 2, 2, 31, 17, 3, 3, SAME3, 1),
                new Case(16, 1, 1, 5, 66, 3, 3, SAME3, 1),
                new Case(13, 2, 2, 6, 7, 3, 3, HALF3, 1),
                new Case(1, 7, 6, 2, 3, 2, 3, new Window(1, 2, 0, 1, 2, 1, 1, 1), 1),
                new Case(2, 8, 9, 3, 2, 3, 3, new Window(2, 2, 0, 1, 0, 1, 1, 1), 1),
                new Case(1, 9, 8, 4, 3, 3, 3, Window.of(1, 2).dilated(2), 1),
                new Case(2, 7, 7, 8, 4, 3, 2, new Window(2, 1, 1, 0, 1, 2, 2, 3), 2),
                new Case(2, 6, 6, 8, 8, 3, 3, SAME3, 4),
                new Case(1, 6, 6, 6, 12, 3, 3, HALF3, 3),
                new Case(2, 6, 6, 33, 33, 3, 3, SAME3, 33),
                new Case(2, 7, 7, 16, 16, 5, 5, Window.of(2, 2), 16),
                new Case(1, 5, 5, 3, 6, 3, 3, SAME3, 3),
                new Case(1, 12, 11, 70, 5, 3, 3, SAME3, 1),
                new Case(2, 6, 7, 16, 72, 3, 3, SAME3, 1),
                new Case(1, 9, 8, 8, 12, 3, 3, HALF3, 1),
                new Case(1, 6, 6, 32, 32, 3, 3, SAME3, 8),
                new Case(2, 9, 10, 16, 16, 3, 3, HALF3, 16),
                new Case(1, 30, 5, 8, 8, 3, 3, SAME3, 8),
                new Case(1, 4, 5, 132, 132, 3, 3, SAME3, 132),
                new Case(1, 12, 9, 8, 8, 5, 5, Window.of(1, 2), 8),
                new Case(1, 7, 6, 4, 4, 5, 5, ONE, 4),
                new Case(1, 8, 8, 4, 4, 3, 3, new Window(2, 2, 0, 1, 0, 1, 1, 1), 4),
                new Case(1, 8, 10, 8, 8, 5, 5, new Window(2, 2, 1, 2, 1, 2, 1, 1), 8),
                new Case(0, 4, 4, 3, 2, 3, 3, SAME3, 1));
    }
}
