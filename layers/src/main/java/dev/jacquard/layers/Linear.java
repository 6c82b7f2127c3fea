package dev.jacquard.layers;

import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;

/** Linear layer: {@code x W^T + b}, (.., C) to (.., K). Variables: {@code weight} (K, C) and {@code bias} (K). */
public final class Linear extends Module {
    private final Variable weight;
    private final Variable bias;

    /** A layer of C inputs and K outputs with PyTorch's default initialisation. */
    public Linear(long in, long out) {
        this(in, out, FirstValues.STANDARD);
    }

    /** A layer of C inputs and K outputs. @param initial first values of the weights; the bias has PyTorch's */
    public Linear(long in, long out, Initializer initial) {
        this(in, out, FirstValues.STANDARD.weight(initial));
    }

    /** A layer of C inputs and K outputs. @param first first values of weights and bias */
    public Linear(long in, long out, FirstValues first) {
        this.weight = parameter("weight", Shape.of(out, in), first.weight());
        this.bias = parameter("bias", Shape.of(out), first.bias(in));
    }

    @Override
    protected Tensor forward(Tensor x) {
        return x.matmul(x.context().read(weight), true).add(x.context().read(bias));
    }
}
