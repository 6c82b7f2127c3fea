package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.Arrays;
import java.util.List;

/** Random numbers as a pure function of (seed, step, stream, element): {@link dev.jacquard.tensor.random.Philox}. */
public sealed interface Random extends Op {
    /** Tells one use in a graph from another: each has its own numbers. */
    int stream();

    /**
     * Uniform F32 numbers in [0, 1) of a shape, from a counter I64 (2) that holds the seed and the step.
     *
     * @param shape shape of the result
     * @param stream tells one use in a graph from another
     */
    record Uniform(Shape shape, int stream) implements Random {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            Types.dtype(this, "counter", in.getFirst(), DType.I64);
            Types.equal(this, "counter has the wrong size", in.getFirst().shape().size(), 2, "pass (seed, step)");
            return List.of(new TensorType(DType.F32, shape));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /**
     * {@code x / survival} where a uniform number is below {@code survival}, else 0 (Srivastava et al. 2014, JMLR 15; for whole samples Huang et al. 2016, arXiv:1603.09382): from
     * x(..) and a counter I64 (2) that holds the seed and the step. Applied to dy it is its own gradient: the numbers are drawn again, not kept.
     *
     * @param survival probability of being kept, in (0, 1]
     * @param fate who shares a number
     * @param stream tells one use in a graph from another
     */
    record Dropout(double survival, Fate fate, int stream) implements Random, Composite {
        /** Who shares a number. */
        public enum Fate {
            /** Nobody: each element has its own. */
            ELEMENT,
            /** What has the same index in the first axis. */
            SAMPLE,
            /** All. */
            BATCH;

            /** Shape of the numbers for a shape of elements, which they broadcast to. */
            Shape shape(Shape x) {
                long[] d = x.dims();
                Arrays.fill(d, this == SAMPLE ? Math.min(1, d.length) : 0, d.length, 1);
                return this == ELEMENT ? x : Shape.of(d);
            }
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            Types.floating(this, in.subList(0, 1));
            Types.dtype(this, "counter", in.get(1), DType.I64);
            Types.equal(this, "counter has the wrong size", in.get(1).shape().size(), 2, "pass (seed, step)");
            return in.subList(0, 1);
        }

        @Override
        public int overwrites(int output) {
            return 0;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor x = in.get(0);
            Tensor numbers = in.get(1).apply(new Uniform(fate.shape(x.shape()), stream));
            Tensor threshold = x.context().fill(TensorType.f32(), survival);
            return List.of(x.mul(threshold.greater(numbers).mul(1 / survival).cast(x.dtype())));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        Operand counter = Operand.integers(DType.I64, 0, 1000, 2);
        return List.of(
                OpRow.of(Uniform.class, "uniform in [0, 1)", Sample.of(new Uniform(Shape.of(7), 0), counter), Sample.of(new Uniform(Shape.of(33, 31), 5), counter),
                        Sample.of(new Uniform(Shape.scalar(), 1), counter), Sample.of(new Uniform(Shape.of(2, 1, 1, 1), 3), counter))
                        .refuses(new Uniform(Shape.of(3), 0), "element type", TensorType.f32(2)),
                OpRow.of(Dropout.class, "x / survival or 0", Sample.of(new Dropout(0.8, Dropout.Fate.ELEMENT, 2), Operand.of(2, 3, 5, 7), counter),
                        Sample.of(new Dropout(0.5, Dropout.Fate.ELEMENT, 0), Operand.of(1023), counter),
                        Sample.of(new Dropout(0.5, Dropout.Fate.ELEMENT, 0), Operand.of(), counter),
                        Sample.of(new Dropout(0.8, Dropout.Fate.ELEMENT, 1), Operand.of(0, 3), counter),
                        Sample.of(new Dropout(0.6, Dropout.Fate.SAMPLE, 3), Operand.of(9, 3, 5, 8), counter),
                        Sample.of(new Dropout(0.6, Dropout.Fate.SAMPLE, 3), Operand.of(33, 7), counter),
                        Sample.of(new Dropout(0.7, Dropout.Fate.BATCH, 4), Operand.of(4, 33, 31), counter),
                        Sample.of(new Dropout(0.7, Dropout.Fate.BATCH, 9), Operand.of(2, 8), counter))
                        .refuses(new Dropout(0.5, Dropout.Fate.ELEMENT, 0), "wrong size", TensorType.f32(4), TensorType.of(DType.I64, 3))
                        .refuses(new Dropout(0.5, Dropout.Fate.ELEMENT, 0), "not floating", TensorType.of(DType.I32, 4), TensorType.of(DType.I64, 2)));
    }
}
