package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * Normalisation together with what follows it in networks, an activation and before that the sum with a shortcut: a pass over memory saved for each. Models do not use these ops; a
 * pass puts them where the device has kernels for them.
 */
public sealed interface FusedNormalization extends Composite {
    /** What follows the normalisation, and the sum. */
    Nonlinearity activation();

    /** Whether something is added before the activation; it is the last input then. */
    boolean residual();

    /** Index of the first of the per-channel inputs, which are all that follow but the residual: gamma, or a scale, after x. */
    default int firstPerChannel() {
        return 1;
    }

    /** Number of inputs but the residual: x and two per channel. */
    default int withoutResidual() {
        return 3;
    }

    @Override
    default boolean wide(int input) {
        return input >= firstPerChannel() && input < withoutResidual();
    }

    /** @param like the input that has the shape of x */
    private static void check(FusedNormalization op, List<TensorType> in, int like) {
        int n = op.withoutResidual();
        Types.count(op, in, n + (op.residual() ? 1 : 0));
        Types.mixed(op, in);
        Types.floating(op, in);
        TensorType x = in.get(like);
        Types.perChannel(op, x, in.subList(op.firstPerChannel(), n));
        if (op.residual()) {
            Types.shape(op, "residual", in.get(n), x);
        }
    }

    private static Accuracy overRows(TensorType x) {
        return Accuracy.reduce(x.shape().size() / Math.max(x.shape().dim(-1), 1));
    }

    private static Tensor before(Tensor normalised, boolean residual, List<Tensor> in) {
        return residual ? normalised.add(in.getLast().cast(normalised.dtype())) : normalised;
    }

    /**
     * {@link Normalization.BatchNorm} with what follows: from x(.., C), gamma(C), beta(C) and, if {@code residual}, r(.., C) to
     * {@code activation(batch_norm(x) + r)}, mean(C) and the biased variance(C). As in all of these ops, what is per channel is of x's wide type.
     */
    record BatchNormActivation(double eps, Nonlinearity activation, boolean residual) implements FusedNormalization {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 0);
            return List.of(in.get(0), in.get(1), in.get(1));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            Cost once = Cost.of(in, out, 9 * in.getFirst().shape().size());
            return new Cost(once.bytes() + in.getFirst().bytes(), once.flops());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return overRows(in.getFirst());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            List<Tensor> plain = in.getFirst().cast(own.wide()).applyAll(new Normalization.BatchNorm(eps), in.get(1), in.get(2));
            return List.of(activation.apply(before(plain.getFirst(), residual, in)).cast(own), plain.get(1), plain.get(2));
        }
    }

    /**
     * Gradients of {@link BatchNormActivation}: dx(.., C), dgamma(C), dbeta(C) and, if {@code residual}, dr(.., C) from dy(.., C), x(.., C), gamma(C), beta(C), mean(C),
     * variance(C) and r(.., C). What was before the activation is computed again, so that nobody has to keep it.
     */
    record BatchNormActivationBackward(double eps, Nonlinearity activation, boolean residual) implements FusedNormalization {
        @Override
        public int firstPerChannel() {
            return 2;
        }

        @Override
        public int withoutResidual() {
            return 6;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 1);
            Types.shape(this, "gradient", in.get(0), in.get(1));
            List<TensorType> out = new ArrayList<>(List.of(in.get(1), in.get(2), in.get(2)));
            if (residual) {
                out.add(in.get(1));
            }
            return List.copyOf(out);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            Cost once = Cost.of(in, out, 19 * in.getFirst().shape().size());
            return new Cost(once.bytes() + (residual && activation != Nonlinearity.NONE ? 3 : 2) * in.getFirst().bytes(), once.flops());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return overRows(in.getFirst());
        }

        @Override
        public int overwrites(int output) {
            return output == 0 ? 0 : -1;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor gamma = in.get(2);
            Tensor x = in.get(1).cast(gamma.dtype());
            Tensor mean = in.get(4);
            Tensor variance = in.get(5);
            Tensor normalised = x.sub(mean).mul(variance.add(eps).rsqrt()).mul(gamma).add(in.get(3));
            Tensor d = activation.gradient(in.get(0), before(normalised, residual, in).cast(in.get(0).dtype()));
            List<Tensor> out = new ArrayList<>(d.applyAll(new Normalization.BatchNormBackward(eps), in.get(1), gamma, mean, variance));
            if (residual) {
                out.add(activation == Nonlinearity.NONE ? d.apply(new Movement.Copy()) : d); // an output is never an input
            }
            return List.copyOf(out);
        }
    }

    /**
     * What {@link BatchNormActivation} does after the statistics, which are given: {@code activation((x - mean) / sqrt(variance + eps) * gamma + beta + r)} from x(.., C),
     * gamma(C), beta(C), mean(C), variance(C) and, if {@code residual}, r(.., C). It follows {@link FusedProduct.ConvolutionStatistics} in steps whose gradients are there already
     * (those of {@link BatchNormActivation}): its own gradients, by the definition, take the statistics as inputs like others.
     */
    record NormalizeActivation(double eps, Nonlinearity activation, boolean residual) implements FusedNormalization {
        @Override
        public int withoutResidual() {
            return 5;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 0);
            return List.of(in.getFirst());
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 4 * in.getFirst().shape().size());
        }

        /** Four terms: x, the mean, beta and the residual. */
        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(4);
        }

        @Override
        public int overwrites(int output) {
            return 0;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            Tensor normalised = in.get(0).cast(own.wide()).sub(in.get(3)).mul(in.get(4).add(eps).rsqrt()).mul(in.get(1)).add(in.get(2));
            return List.of(activation.apply(before(normalised, residual, in)).cast(own));
        }
    }

    /**
     * What {@link Normalization.BatchNormBackward} does after the sums, which are given: {@code (g - dbeta / n - xhat dgamma / n) * gamma / sqrt(variance + eps)}, where xhat is
     * {@code (x - mean) / sqrt(variance + eps)} and n the number of rows: dx(.., C) from g(.., C), x(.., C), gamma(C), mean(C), variance(C), dgamma(C) and dbeta(C). It follows
     * {@link FusedProduct.BackwardDataStatistics}.
     */
    record NormalizeBackward(double eps) implements FusedNormalization {
        @Override
        public Nonlinearity activation() {
            return Nonlinearity.NONE;
        }

        @Override
        public boolean residual() {
            return false;
        }

        @Override
        public int firstPerChannel() {
            return 2;
        }

        @Override
        public int withoutResidual() {
            return 7;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 1);
            Types.shape(this, "gradient", in.get(0), in.get(1));
            return List.of(in.get(1));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 6 * in.getFirst().shape().size());
        }

        /** Three terms: g, and what the two sums take from it. */
        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(3);
        }

        @Override
        public int overwrites(int output) {
            return 0;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            Tensor scale = in.get(4).add(eps).rsqrt();
            Tensor normalised = in.get(1).cast(own.wide()).sub(in.get(3)).mul(scale);
            double n = Math.max(in.getFirst().shape().size() / Math.max(in.getFirst().shape().dim(-1), 1), 1);
            Tensor centred = in.getFirst().cast(own.wide()).sub(in.get(6).mul(1 / n)).sub(normalised.mul(in.get(5).mul(1 / n)));
            return List.of(centred.mul(scale.mul(in.get(2))).cast(own));
        }
    }

    /** {@code activation(x * scale + shift + r)} from x(.., C), scale(C), shift(C) and, if {@code residual}, r(.., C): normalisation by known statistics with what follows. */
    record ScaleShift(Nonlinearity activation, boolean residual) implements FusedNormalization {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 0);
            return List.of(in.getFirst());
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 4 * in.getFirst().shape().size());
        }

        @Override
        public int overwrites(int output) {
            return 0;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            return List.of(activation.apply(before(in.get(0).cast(own.wide()).mulAdd(in.get(1), in.get(2)), residual, in)).cast(own));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        List<Sample> forward = new ArrayList<>();
        List<Sample> backward = new ArrayList<>();
        List<Sample> known = new ArrayList<>();
        List<Sample> given = new ArrayList<>();
        List<Sample> summed = new ArrayList<>();
        for (long[] d : new long[][] {{8, 3}, {31, 1}, {2, 4, 4, 8}, {3, 5, 7, 17}, {6, 264}}) {
            long c = d[d.length - 1];
            summed.add(Sample.of(new NormalizeBackward(1e-5), Operand.of(d), Operand.of(d), Operand.range(0.5, 1.5, c), Operand.range(-0.1, 0.1, c), Operand.range(0.3, 0.4, c),
                    Operand.of(c), Operand.of(c)));
        }
        samples(new long[] {8, 3}, Nonlinearity.NONE, true, forward, backward, known, given);
        samples(new long[] {31, 1}, Nonlinearity.RELU, false, forward, backward, known, given);
        samples(new long[] {2, 4, 4, 8}, Nonlinearity.RELU, true, forward, backward, known, given);
        samples(new long[] {3, 5, 7, 17}, Nonlinearity.SILU, true, forward, backward, known, given);
        samples(new long[] {70, 24}, Nonlinearity.SILU, false, forward, backward, known, given);
        samples(new long[] {6, 264}, Nonlinearity.RELU, false, forward, backward, known, given);
        BatchNormActivation sum = new BatchNormActivation(1e-5, Nonlinearity.RELU, true);
        BatchNormActivationBackward gradient = new BatchNormActivationBackward(1e-5, Nonlinearity.RELU, true);
        TensorType x = TensorType.f32(2, 3);
        TensorType c = TensorType.f32(3);
        return List.of(
                new OpRow(BatchNormActivation.class, "activation of batch normalisation, plus a residual", List.copyOf(forward), List.of())
                        .refuses(sum, "channels differ", x, TensorType.f32(4), c, x)
                        .refuses(sum, "residual has the wrong shape", x, c, c, TensorType.f32(3, 3))
                        .refuses(sum, "wrong number of inputs", x, c, c),
                new OpRow(BatchNormActivationBackward.class, "gradients of the fused batch normalisation", List.copyOf(backward), List.of())
                        .refuses(gradient, "gradient has the wrong shape", TensorType.f32(4, 3), x, c, c, c, c, x),
                new OpRow(NormalizeActivation.class, "activation of normalisation by given statistics, plus a residual", List.copyOf(given), List.of())
                        .refuses(new NormalizeActivation(1e-5, Nonlinearity.NONE, false), "channels differ", x, c, c, c, TensorType.f32(4))
                        .refuses(new NormalizeActivation(1e-5, Nonlinearity.NONE, true), "residual has the wrong shape", x, c, c, c, c, TensorType.f32(3, 3)),
                new OpRow(NormalizeBackward.class, "gradient of normalisation by given sums", List.copyOf(summed), List.of())
                        .refuses(new NormalizeBackward(1e-5), "gradient has the wrong shape", TensorType.f32(4, 3), x, c, c, c, c, c)
                        .refuses(new NormalizeBackward(1e-5), "channels differ", x, x, c, c, c, TensorType.f32(4), c),
                new OpRow(ScaleShift.class, "activation of x * scale + shift, plus a residual", List.copyOf(known), List.of())
                        .refuses(new ScaleShift(Nonlinearity.NONE, false), "channels differ", x, c, TensorType.f32(4)));
    }

    private static void samples(long[] d, Nonlinearity activation, boolean residual, List<Sample> forward, List<Sample> backward, List<Sample> known, List<Sample> given) {
        long c = d[d.length - 1];
        Operand x = Operand.of(d);
        Operand gamma = Operand.range(0.5, 1.5, c);
        Operand beta = Operand.of(c);
        forward.add(sample(new BatchNormActivation(1e-5, activation, residual), residual, x, gamma, beta));
        backward.add(sample(new BatchNormActivationBackward(1e-5, activation, residual), residual, x, x, gamma, beta, Operand.range(-0.1, 0.1, c), Operand.range(0.3, 0.4, c)));
        known.add(sample(new ScaleShift(activation, residual), residual, x, gamma, beta));
        given.add(sample(new NormalizeActivation(1e-5, activation, residual), residual, x, gamma, beta, Operand.range(-0.1, 0.1, c), Operand.range(0.3, 0.4, c)));
    }

    /** A sample on operands, the first of which is like the residual. */
    private static Sample sample(Op op, boolean residual, Operand... operands) {
        List<Operand> all = new ArrayList<>(List.of(operands));
        if (residual) {
            all.add(operands[0]);
        }
        return new Sample(op, List.copyOf(all));
    }
}
