package dev.jacquard.tensor.op;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.List;
import java.util.stream.IntStream;

/** Normalisation by the statistics of the batch. Evaluation by running statistics is plain arithmetic and needs no op. */
public sealed interface Normalization extends Composite {
    /** Channel statistics are over every axis but the last. */
    private static int[] batchAxes(TensorType x) {
        return IntStream.range(0, x.shape().rank() - 1).toArray();
    }

    private static void check(Normalization op, List<TensorType> in, int n, int firstChannelOperand) {
        Types.count(op, in, n);
        Types.mixed(op, in);
        Types.floating(op, in);
        Types.perChannel(op, in.getFirst(), in.subList(firstChannelOperand, n));
    }

    private static long count(TensorType x) {
        return x.shape().size() / Math.max(x.shape().dim(-1), 1);
    }

    /**
     * Batch normalisation in training (Ioffe and Szegedy 2015, arXiv:1502.03167): from x(.., C), gamma(C), beta(C) to
     * {@code (x - mean) / sqrt(var + eps) * gamma + beta}, mean(C) and the biased variance(C) of the batch. The two statistics
     * are for the running averages and carry no gradient. All that is per channel is of x's wide type.
     */
    record BatchNorm(double eps) implements Normalization {
        @Override
        public boolean wide(int input) {
            return input > 0;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 3, 1);
            return List.of(in.get(0), in.get(1), in.get(1));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            Cost once = Cost.of(in, out, 7 * in.getFirst().shape().size());
            return new Cost(once.bytes() + in.getFirst().bytes(), once.flops());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(count(in.getFirst()));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor x = in.get(0).cast(in.get(1).dtype());
            int[] axes = batchAxes(x.type());
            Tensor mean = x.mean(axes);
            Tensor centred = x.sub(mean);
            Tensor variance = centred.square().mean(axes);
            Tensor y = centred.mul(variance.add(eps).rsqrt()).mul(in.get(1)).add(in.get(2));
            return List.of(y.cast(in.get(0).dtype()), mean, variance);
        }
    }

    /** Gradients of {@link BatchNorm}: dx(.., C), dgamma(C), dbeta(C) from dy(.., C), x(.., C), gamma(C), mean(C), variance(C); what is per channel is of the wide type. */
    record BatchNormBackward(double eps) implements Normalization {
        @Override
        public boolean wide(int input) {
            return input > 1;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 5, 2);
            Types.shape(this, "gradient", in.get(0), in.get(1));
            return List.of(in.get(1), in.get(2), in.get(2));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            Cost once = Cost.of(in, out, 11 * in.getFirst().shape().size());
            return new Cost(once.bytes() + 2 * in.getFirst().bytes(), once.flops());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(count(in.getFirst()));
        }

        @Override
        public int overwrites(int output) {
            return output == 0 ? 0 : -1;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor dy = in.get(0).cast(in.get(2).dtype());
            int[] axes = batchAxes(dy.type());
            Tensor scale = in.get(4).add(eps).rsqrt();
            Tensor normalised = in.get(1).cast(dy.dtype()).sub(in.get(3)).mul(scale);
            Tensor dbeta = dy.sum(axes);
            Tensor dgamma = dy.mul(normalised).sum(axes);
            double n = count(dy.type());
            Tensor dx = dy.sub(dbeta.mul(1 / n)).sub(normalised.mul(dgamma.mul(1 / n))).mul(scale.mul(in.get(2)));
            return List.of(dx.cast(in.get(0).dtype()), dgamma, dbeta);
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        List<long[]> shapes = List.of(new long[] {8, 3}, new long[] {2, 4, 4, 17}, new long[] {3, 5, 7, 33}, new long[] {31, 1}, new long[] {207, 64}, new long[] {2, 3, 3, 130});
        BatchNorm forward = new BatchNorm(1e-5);
        BatchNormBackward backward = new BatchNormBackward(1e-5);
        return List.of(
                new OpRow(BatchNorm.class, "(x - mean) / sqrt(var + eps) * gamma + beta", shapes.stream().map(d -> {
                    long c = d[d.length - 1];
                    return Sample.of(forward, Operand.of(d), Operand.range(0.5, 1.5, c), Operand.of(c));
                }).toList(), List.of())
                        .refuses(forward, "channels differ", TensorType.f32(2, 3), TensorType.f32(4), TensorType.f32(3)),
                new OpRow(BatchNormBackward.class, "gradients of batch normalisation", shapes.stream().map(d -> {
                    long c = d[d.length - 1];
                    return Sample.of(backward, Operand.of(d), Operand.of(d), Operand.range(0.5, 1.5, c), Operand.range(-0.1, 0.1, c), Operand.range(0.3, 0.4, c));
                }).toList(), List.of())
                        .refuses(backward, "wrong shape", TensorType.f32(2, 3), TensorType.f32(4, 3), TensorType.f32(3), TensorType.f32(3), TensorType.f32(3)));
    }
}
