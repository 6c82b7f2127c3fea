package dev.jacquard.layers;

import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;

/** Linear layer: {@code x W^T + b}, (.., C) to (.., K). Variables: {@code weight} (K, C) and {@code bias} (K), both uniform in {@code +-1 / sqrt(C)} at first. */
public final class Linear extends Module {
    private final Variable weight;
    private final Variable bias;

    /** A layer of C inputs and K outputs with PyTorch's default initialisation. */
    public Linear(long in, long out) {
        this(in, out, Initializers.standard());
    }

    /** A layer of C inputs and K outputs. @param initial first values of the weights */
    public Linear(long in, long out, Initializer initial) {
        this.weight = parameter("weight", Shape.of(out, in), initial);
        this.bias = parameter("bias", Shape.of(out), Initializers.uniform(1 / Math.sqrt(in)));
    }

    @Override
    protected Tensor forward(Tensor x) {
        return x.matmul(x.context().read(weight), true).add(x.context().read(bias));
    }
}
