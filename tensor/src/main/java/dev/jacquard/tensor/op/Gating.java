package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * {@link SqueezeExcitation} taken apart: the gate by itself, and the product with it joined to what follows, so that the product is never stored. Models do not use these ops; a
 * pass puts them where the device has kernels for them. {@link FusedProduct.GatedConvolution} is the third of them.
 */
public sealed interface Gating extends Composite {
    /** The gate's and the images' types fit. */
    private static void check(Op op, TensorType x, TensorType gate) {
        Types.rank(op, "images", x, 4, "(N, H, W, C)");
        Types.shape(op, "gate", gate, TensorType.of(x.dtype().wide(), x.shape().dim(0), x.shape().dim(3)));
    }

    /** The gate as it is multiplied with images. */
    private static Tensor overPixels(Tensor gate) {
        return gate.reshape(gate.shape().dim(0), 1, 1, gate.shape().dim(1));
    }

    /**
     * {@code sigmoid(activation(mean(x) w1^T + b1) w2^T + b2)}: gate(N, C) from x(N, H, W, C), w1(S, C), b1(S), w2(C, S), b2(C), all but x of x's wide type. The last result of
     * {@link SqueezeExcitation.SqueezeExcite}.
     *
     * @param activation what follows the first layer
     */
    record Gate(Nonlinearity activation) implements Gating {
        private SqueezeExcitation.SqueezeExcite whole() {
            return new SqueezeExcitation.SqueezeExcite(activation);
        }

        @Override
        public boolean wide(int input) {
            return input > 0;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return List.of(whole().infer(in).getLast());
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            TensorType x = in.getFirst();
            return Cost.of(in, out, x.shape().size() + 4 * x.shape().dim(0) * in.get(1).shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return whole().accuracy(in);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(whole().define(in).getLast());
        }
    }

    /**
     * {@link Gate} with what gradients need besides: the means of x(N, C), the first layer's result before the activation(N, S) and gate(N, C), as
     * {@link SqueezeExcitation.SqueezeExcite} gives them.
     */
    record KeptGate(Nonlinearity activation) implements Gating {
        private SqueezeExcitation.SqueezeExcite whole() {
            return new SqueezeExcitation.SqueezeExcite(activation);
        }

        @Override
        public boolean wide(int input) {
            return input > 0;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return whole().infer(in).subList(1, 4);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, new Gate(activation).cost(in, out).flops());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return whole().accuracy(in);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return whole().define(in).subList(1, 4);
        }
    }

    /**
     * {@code activation(x * gate + r)} from x(N, H, W, C), gate(N, C) of the wide type and r(N, H, W, C): the end of a block with squeeze and excitation (Hu et al. 2018, figure
     * 3).
     *
     * @param activation what comes last
     */
    record GateResidual(Nonlinearity activation) implements Gating {
        @Override
        public boolean wide(int input) {
            return input == 1;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 3);
            Types.mixed(this, in);
            Types.floating(this, in);
            check(this, in.get(0), in.get(1));
            Types.shape(this, "residual", in.get(2), in.get(0));
            return List.of(in.getFirst());
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 3 * in.getFirst().shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(2);
        }

        @Override
        public int overwrites(int output) {
            return 0;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            return List.of(activation.apply(in.get(0).cast(own.wide()).mul(overPixels(in.get(1))).add(in.get(2).cast(own.wide()))).cast(own));
        }
    }

    /** Checks the gate of a product, and multiplies its images. */
    static TensorType gated(Op op, TensorType x, TensorType gate) {
        check(op, x, gate);
        return x;
    }

    /** x(N, H, W, C) times gate(N, C), in x's type. */
    static Tensor multiply(Tensor x, Tensor gate) {
        return x.cast(gate.dtype()).mul(overPixels(gate)).cast(x.dtype());
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        // n, h, w, c, s
        List<long[]> shapes = List.of(new long[] {2, 3, 3, 8, 4}, new long[] {3, 5, 7, 33, 9}, new long[] {1, 9, 8, 16, 8}, new long[] {5, 1, 1, 24, 1},
                new long[] {2, 3, 2, 272, 40});
        List<Sample> gates = new ArrayList<>();
        List<Sample> kept = new ArrayList<>();
        List<Sample> ends = new ArrayList<>();
        for (long[] d : shapes) {
            Nonlinearity activation = Nonlinearity.values()[(int) (d[3] % 3)];
            Operand x = Operand.of(d[0], d[1], d[2], d[3]);
            double bound = 1 / Math.sqrt(d[3]);
            List<Operand> operands = List.of(x, Operand.range(-bound, bound, d[4], d[3]), Operand.of(d[4]), Operand.range(-bound, bound, d[3], d[4]), Operand.of(d[3]));
            gates.add(new Sample(new Gate(activation), operands));
            kept.add(new Sample(new KeptGate(activation), operands));
            ends.add(Sample.of(new GateResidual(activation), x, Operand.range(0.1, 0.9, d[0], d[3]), x));
        }
        TensorType x = TensorType.f32(2, 4, 4, 8);
        return List.of(
                new OpRow(Gate.class, "a gate per channel from the means of all", List.copyOf(gates), List.of())
                        .refuses(new Gate(Nonlinearity.RELU), "images has the wrong rank", TensorType.f32(2, 8), TensorType.f32(4, 8), TensorType.f32(4), TensorType.f32(8, 4),
                        TensorType.f32(8)),
                new OpRow(KeptGate.class, "the gate, and what its gradients need", List.copyOf(kept), List.of())
                        .refuses(new KeptGate(Nonlinearity.RELU), "images has the wrong rank", TensorType.f32(2, 8), TensorType.f32(4, 8), TensorType.f32(4), TensorType.f32(8, 4),
                        TensorType.f32(8)),
                new OpRow(GateResidual.class, "activation of x times a gate plus a residual", List.copyOf(ends), List.of())
                        .refuses(new GateResidual(Nonlinearity.RELU), "gate has the wrong shape", x, TensorType.f32(2, 7), x)
                        .refuses(new GateResidual(Nonlinearity.RELU), "residual has the wrong shape", x, TensorType.f32(2, 8), TensorType.f32(2, 4, 4, 7)));
    }
}
