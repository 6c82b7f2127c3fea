package dev.jacquard.tensor.op;

import dev.jacquard.tensor.Tensor;

/** Activations that ops have fused behind other work. Kernels know them by their ordinals. */
public enum Nonlinearity {
    /** {@code x}. */
    NONE {
        @Override
        public Tensor apply(Tensor x) {
            return x;
        }

        @Override
        public Tensor gradient(Tensor dy, Tensor x) {
            return dy;
        }
    },
    /** {@code max(x, 0)}. */
    RELU {
        @Override
        public Tensor apply(Tensor x) {
            return x.relu();
        }

        @Override
        public Tensor gradient(Tensor dy, Tensor x) {
            return dy.apply(new Pointwise.ReluBackward(), x); // positive where its output is
        }
    },
    /** {@code x sigmoid(x)}. */
    SILU {
        @Override
        public Tensor apply(Tensor x) {
            return x.silu();
        }

        @Override
        public Tensor gradient(Tensor dy, Tensor x) {
            return dy.apply(new Pointwise.SiluBackward(), x);
        }
    };

    /** The function. */
    public abstract Tensor apply(Tensor x);

    /** The gradient of x from that of the function's value. */
    public abstract Tensor gradient(Tensor dy, Tensor x);
}
