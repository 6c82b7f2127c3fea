package dev.jacquard.layers;

import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.SqueezeExcitation;
import java.util.List;
import java.util.Optional;

/**
 * Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507): each channel is multiplied by a gate in (0, 1) computed from the means of all,
 * {@code x * sigmoid(expand(act(squeeze(mean(x)))))}. (N, H, W, C) to the same.
 */
public final class SqueezeExcite extends Module {
    private final Activation activation;
    private final Weights weights;
    private final Module squeeze;
    private final Module expand;

    /** How the two layers are named and laid out; they compute the same. */
    public enum Weights {
        /** 1x1 convolutions {@code fc1} and {@code fc2}, as in torchvision. */
        CONVOLUTION,
        /** Linear layers {@code squeeze} and {@code expand}, as in NVIDIA's networks. */
        LINEAR
    }

    /** A gate with PyTorch's default initialisation; see the other constructor. */
    public SqueezeExcite(long channels, long width, Activation activation, Weights weights) {
        this(channels, width, activation, weights, FirstValues.STANDARD);
    }

    /**
     * A gate.
     *
     * @param channels C
     * @param width units between the two layers
     * @param activation what follows the first
     * @param weights how the layers are stored
     * @param first first values of both layers
     */
    public SqueezeExcite(long channels, long width, Activation activation, Weights weights, FirstValues first) {
        this.activation = activation;
        this.weights = weights;
        this.squeeze = weights == Weights.LINEAR ? child("squeeze", new Linear(channels, width, first)) : child("fc1", pointwise(channels, width, first));
        this.expand = weights == Weights.LINEAR ? child("expand", new Linear(width, channels, first)) : child("fc2", pointwise(width, channels, first));
    }

    private static Conv2d pointwise(long in, long out, FirstValues first) {
        return new Conv2d(Conv2d.Config.of(in, out, 1).bias(true).first(first));
    }

    @Override
    protected Tensor forward(Tensor x) {
        Optional<Nonlinearity> fused = nonlinearity();
        return fused.isPresent() ? fused(x, fused.get()) : byLayers(x);
    }

    /** The activation as the fused op knows it; empty if it does not. */
    private Optional<Nonlinearity> nonlinearity() {
        return switch (activation) {
            case IDENTITY -> Optional.of(Nonlinearity.NONE);
            case RELU -> Optional.of(Nonlinearity.RELU);
            case SILU -> Optional.of(Nonlinearity.SILU);
            case SIGMOID, TANH -> Optional.empty();
        };
    }

    private Tensor fused(Tensor x, Nonlinearity by) {
        List<Tensor> first = parameters(squeeze, x.context());
        List<Tensor> second = parameters(expand, x.context());
        return x.apply(new SqueezeExcitation.SqueezeExcite(by), first.get(0), first.get(1), second.get(0), second.get(1));
    }

    /** Weight and bias of a layer, the weight as a matrix (outputs, inputs) however it is stored. */
    private static List<Tensor> parameters(Module layer, Context context) {
        List<Variable> own = layer.parameters();
        Tensor weight = context.read(own.get(0));
        return List.of(weight.reshape(weight.shape().dim(0), -1), context.read(own.get(1)));
    }

    private Tensor byLayers(Tensor x) {
        long n = x.shape().dim(0);
        long c = x.shape().dim(3);
        Tensor means = x.globalAvgPool2d();
        Tensor in = weights == Weights.LINEAR ? means : means.reshape(n, 1, 1, c);
        Tensor gate = expand.apply(activation.apply(squeeze.apply(in))).sigmoid();
        return x.mul(gate.reshape(n, 1, 1, c));
    }
}
