package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.List;

/** Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507) as one op, and its gradients as one. */
public sealed interface SqueezeExcitation extends Composite {
    /** What follows the first layer. */
    Nonlinearity activation();

    private static void check(SqueezeExcitation op, List<TensorType> in, int n) {
        Types.count(op, in, n);
        Types.mixed(op, in);
        Types.floating(op, in);
        Types.rank(op, "images", in.getFirst(), 4, "(N, H, W, C)");
    }

    /** Checks w1 (S, C) and w2 (C, S). @return S */
    private static long squeezed(SqueezeExcitation op, TensorType x, TensorType w1, TensorType w2) {
        long c = x.shape().dim(3);
        Types.rank(op, "first weight", w1, 2, "(S, C)");
        long s = w1.shape().dim(0);
        Types.shape(op, "first weight", w1, w1.withShape(Shape.of(s, c)));
        Types.shape(op, "second weight", w2, w2.withShape(Shape.of(c, s)));
        return s;
    }

    /** Multiply-adds of the two layers count two, and both of them as much. */
    private static long layers(TensorType x, TensorType w1) {
        return 4 * x.shape().dim(0) * w1.shape().size();
    }

    private static Tensor overPixels(Tensor perImage, Tensor x) {
        return perImage.reshape(x.shape().dim(0), 1, 1, x.shape().dim(3));
    }

    /** A channel's gate hangs on all pixels of all channels. */
    private static Accuracy overImage(TensorType x) {
        return Accuracy.reduce(x.shape().dim(1) * x.shape().dim(2) * x.shape().dim(3));
    }

    /**
     * From x (N, H, W, C), w1 (S, C), b1 (S), w2 (C, S), b2 (C) to {@code x * gate}; and, for the gradients, the means of x (N, C), the first layer's result before the activation
     * (N, S), and the gate {@code sigmoid(activation(means w1^T + b1) w2^T + b2)} (N, C). All but x and the first result are of x's wide type.
     */
    record SqueezeExcite(Nonlinearity activation) implements SqueezeExcitation {
        @Override
        public boolean wide(int input) {
            return input > 0;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 5);
            TensorType x = in.get(0);
            DType wide = in.get(1).dtype();
            long n = x.shape().dim(0);
            long c = x.shape().dim(3);
            long s = squeezed(this, x, in.get(1), in.get(3));
            Types.shape(this, "first bias", in.get(2), TensorType.of(wide, s));
            Types.shape(this, "second bias", in.get(4), TensorType.of(wide, c));
            return List.of(x, TensorType.of(wide, n, c), TensorType.of(wide, n, s), TensorType.of(wide, n, c));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            TensorType x = in.getFirst();
            Cost once = Cost.of(in, out, 2 * x.shape().size() + layers(x, in.get(1)));
            return new Cost(once.bytes() + x.bytes(), once.flops());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return overImage(in.getFirst());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor x = in.get(0).cast(in.get(1).dtype());
            Tensor means = x.globalAvgPool2d();
            Tensor hidden = means.matmul(in.get(1), true).add(in.get(2));
            Tensor gate = activation.apply(hidden).matmul(in.get(3), true).add(in.get(4)).sigmoid();
            return List.of(x.mul(overPixels(gate, x)).cast(in.get(0).dtype()), means, hidden, gate);
        }
    }

    /**
     * Gradients of {@link SqueezeExcite}: dx (N, H, W, C), dw1 (S, C), db1 (S), dw2 (C, S), db2 (C) from dy (N, H, W, C), x (N, H, W, C), w1 (S, C), w2 (C, S), means (N, C),
     * hidden (N, S), gate (N, C). All but images and their gradients are of the wide type.
     */
    record SqueezeExciteBackward(Nonlinearity activation) implements SqueezeExcitation {
        @Override
        public boolean wide(int input) {
            return input > 1;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 7);
            TensorType x = in.get(1);
            Types.shape(this, "gradient", in.get(0), x);
            long n = x.shape().dim(0);
            long c = x.shape().dim(3);
            long s = squeezed(this, x, in.get(2), in.get(3));
            DType wide = in.get(2).dtype();
            Types.shape(this, "means", in.get(4), TensorType.of(wide, n, c));
            Types.shape(this, "hidden layer", in.get(5), TensorType.of(wide, n, s));
            Types.shape(this, "gate", in.get(6), TensorType.of(wide, n, c));
            return List.of(x, in.get(2), TensorType.of(wide, s), in.get(3), TensorType.of(wide, c));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            TensorType x = in.getFirst();
            Cost once = Cost.of(in, out, 4 * x.shape().size() + 2 * layers(x, in.get(2)));
            return new Cost(once.bytes() + x.bytes(), once.flops());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return overImage(in.getFirst());
        }

        @Override
        public int overwrites(int output) {
            return output == 0 ? 0 : -1;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor dy = in.get(0).cast(in.get(2).dtype());
            Tensor x = in.get(1).cast(in.get(2).dtype());
            Tensor hidden = in.get(5);
            Tensor gate = in.get(6);
            MatMul overImages = new MatMul(true, false);
            Tensor d2 = dy.mul(x).sum(1, 2).apply(new Pointwise.SigmoidBackward(), gate);
            Tensor d1 = activation.gradient(d2.matmul(in.get(3)), hidden);
            Tensor dmean = d1.matmul(in.get(2)).mul(1.0 / Math.max(x.shape().dim(1) * x.shape().dim(2), 1));
            Tensor dx = dy.mulAdd(overPixels(gate, x), overPixels(dmean, x));
            return List.of(dx.cast(in.get(0).dtype()), d1.apply(overImages, in.get(4)), d1.sum(0), d2.apply(overImages, activation.apply(hidden)), d2.sum(0));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        // n, h, w, c, s
        List<long[]> shapes = List.of(new long[] {2, 3, 3, 8, 4}, new long[] {3, 5, 7, 33, 9}, new long[] {1, 9, 8, 16, 8}, new long[] {5, 1, 1, 24, 1},
                new long[] {2, 3, 2, 272, 40});
        SqueezeExcite forward = new SqueezeExcite(Nonlinearity.RELU);
        SqueezeExciteBackward backward = new SqueezeExciteBackward(Nonlinearity.SILU);
        TensorType x = TensorType.f32(2, 4, 4, 8);
        return List.of(
                new OpRow(SqueezeExcite.class, "x times a gate from the means of its channels", shapes.stream().map(d ->
                                Sample.of(new SqueezeExcite(activation(d)), Operand.of(d[0], d[1], d[2], d[3]), weight(d[4], d[3]), Operand.of(d[4]), weight(d[3], d[4]),
                                        Operand.of(d[3])))
                        .toList(), List.of())
                        .refuses(forward, "images has the wrong rank", TensorType.f32(2, 8), TensorType.f32(4, 8), TensorType.f32(4), TensorType.f32(8, 4), TensorType.f32(8))
                        .refuses(forward, "second weight has the wrong shape", x, TensorType.f32(4, 8), TensorType.f32(4), TensorType.f32(4, 8), TensorType.f32(8)),
                new OpRow(SqueezeExciteBackward.class, "gradients of squeeze and excitation", shapes.stream().map(d ->
                                Sample.of(new SqueezeExciteBackward(activation(d)), Operand.of(d[0], d[1], d[2], d[3]), Operand.of(d[0], d[1], d[2], d[3]), weight(d[4], d[3]),
                                        weight(d[3], d[4]), Operand.of(d[0], d[3]), Operand.kinked(d[0], d[4]), Operand.range(0.1, 0.9, d[0], d[3])))
                        .toList(), List.of())
                        .refuses(backward, "gate has the wrong shape", x, x, TensorType.f32(4, 8), TensorType.f32(8, 4), TensorType.f32(2, 8), TensorType.f32(2, 4),
                        TensorType.f32(2, 4)));
    }

    private static Nonlinearity activation(long[] d) {
        return d[0] % 2 == 0 ? Nonlinearity.RELU : d[0] == 5 ? Nonlinearity.NONE : Nonlinearity.SILU;
    }

    /** Of a size at which a layer's results are about as large as its inputs. */
    private static Operand weight(long k, long c) {
        double bound = 1 / Math.sqrt(c);
        return Operand.range(-bound, bound, k, c);
    }
}
