package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;
import java.util.function.UnaryOperator;

/** Activation functions, as values for configurations and as modules. */
public enum Activation {
    /** {@code x}. */
    IDENTITY(UnaryOperator.identity()),
    /** {@code max(x, 0)}. */
    RELU(Tensor::relu),
    /** {@code x sigmoid(x)}, also called swish (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
    SILU(Tensor::silu),
    /** {@code 1 / (1 + e^-x)}. */
    SIGMOID(Tensor::sigmoid),
    /** Hyperbolic tangent. */
    TANH(Tensor::tanh);

    private final UnaryOperator<Tensor> function;

    Activation(UnaryOperator<Tensor> function) {
        this.function = function;
    }

    /** Applies the function. */
    public Tensor apply(Tensor x) {
        return function.apply(x);
    }

    /** The function as a module of its own, for sequences. */
    public Module module() {
        return new Module() {
            @Override
            protected Tensor forward(Tensor x) {
                return function.apply(x);
            }
        };
    }
}
