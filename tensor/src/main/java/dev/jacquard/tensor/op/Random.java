package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import java.util.List;

/** Random numbers as a pure function of (seed, step, stream, element): {@link dev.jacquard.tensor.random.Philox}. */
public sealed interface Random extends Op {
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

    /** The family's rows. */
    static List<OpRow> rows() {
        Operand counter = Operand.integers(DType.I64, 0, 1000, 2);
        return List.of(OpRow.of(Uniform.class, "uniform in [0, 1)", Sample.of(new Uniform(Shape.of(7), 0), counter), Sample.of(new Uniform(Shape.of(33, 31), 5), counter),
                        Sample.of(new Uniform(Shape.scalar(), 1), counter), Sample.of(new Uniform(Shape.of(2, 1, 1, 1), 3), counter))
                .refuses(new Uniform(Shape.of(3), 0), "element type", TensorType.f32(2)));
    }
}
