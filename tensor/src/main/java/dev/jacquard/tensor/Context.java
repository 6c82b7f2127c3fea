package dev.jacquard.tensor;

import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Random;
import java.util.Arrays;
import java.util.List;

/**
 * Where ops go: a {@link Scope} executes them at once, a {@link dev.jacquard.tensor.graph.GraphBuilder} records them. Every tensor belongs to one,
 * and model code, written against tensors, does not know which.
 */
public interface Context {
    /** Applies an op; all inputs belong to this context. The outputs, in the op's order. */
    List<Tensor> apply(Op op, List<Tensor> inputs);

    /** A variable's value; while recording, the one at the step's beginning whatever was written since. */
    Tensor read(Variable variable);

    /** Gives a variable a new value; while recording, at the step's end. */
    void write(Variable variable, Tensor value);

    /** The value that a variable has at the step's end as things stand: what was written last, or else what {@link #read} gives. */
    default Tensor next(Variable variable) {
        return read(variable);
    }

    /** Whether layers behave as in training (batch statistics, dropout). */
    boolean training();

    /** Uniform F32 numbers in [0, 1): different for every call, and for every seed and step. */
    Tensor uniform(Shape shape);

    /** {@code x / survival} with that probability, else 0; drawn anew for every call, and for every seed and step. @param fate who shares a draw */
    Tensor dropout(Tensor x, double survival, Random.Dropout.Fate fate);

    /** Names what is applied until the result is closed; labels nest, joined by dots. */
    Label label(String name);

    /** The end of a label. */
    interface Label extends AutoCloseable {
        @Override
        void close();
    }

    /** A constant of one value. */
    default Tensor fill(TensorType type, double value) {
        return apply(new Leaf.Fill(type, value), List.of()).getFirst();
    }

    /** A constant of given values, row-major. */
    default Tensor literal(TensorType type, double... values) {
        return apply(new Leaf.Literal(type, Arrays.stream(values).boxed().toList()), List.of()).getFirst();
    }
}
