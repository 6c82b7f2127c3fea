package dev.jacquard.layers;

import dev.jacquard.tensor.Variable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which parameters weight decay pulls to 0. Systems differ, and their published accuracies were reached with their differences; each is found from what a parameter is
 * in the model, not from its shape.
 */
public enum Decay {
    /** All, PyTorch's default; in NVIDIA's systems {@code --bn-weight-decay}. */
    ALL,
    /** Kernels and matrices only: neither normalisations nor biases (Jia et al. 2018, arXiv:1807.11205). */
    WEIGHTS,
    /**
     * NVIDIA's PyTorch system: all but parameters with "bn" in their names there. The normalisation of a ResNet's shortcut is named {@code downsample.1}, and so is decayed:
     * 7,680 parameters of ResNet-50 and of SE-ResNeXt101. Biases of linear layers and gates are decayed too.
     */
    NVIDIA_PYTORCH,
    /**
     * NVIDIA's TensorFlow system: kernels and biases of convolutions, gates and the classifier, but neither normalisations nor depthwise kernels, since Keras's {@code
     * kernel_regularizer} is not a depthwise layer's. Keras's L2 loss is {@code wd sum(w^2)} without a half, so that the gradient has {@code 2 wd w}: the factor is 2.
     */
    TENSORFLOW,
    /** NVIDIA's Paddle system: all but normalisations. */
    PADDLE;

    /** What a parameter is in its model. */
    private enum Kind { WEIGHT, DEPTHWISE, BIAS, NORM, SHORTCUT_NORM }

    /** For each parameter of a model the factor by which the optimizer's decay is multiplied: 0 if it does not decay, else 1, or 2 for {@link #TENSORFLOW}. */
    public Map<Variable, Double> factors(Module model) {
        Map<Variable, Kind> kinds = new LinkedHashMap<>();
        model.parameters().forEach(p -> kinds.put(p, p.type().shape().rank() > 1 ? Kind.WEIGHT : Kind.BIAS));
        classify(model, kinds);
        Map<Variable, Double> factors = new LinkedHashMap<>();
        kinds.forEach((v, kind) -> factors.put(v, factor(kind)));
        return Collections.unmodifiableMap(factors);
    }

    private static void classify(Module m, Map<Variable, Kind> kinds) {
        if (m instanceof BatchNorm2d norm) {
            norm.parameters().forEach(p -> kinds.put(p, norm.path().contains("downsample") ? Kind.SHORTCUT_NORM : Kind.NORM));
        } else if (m instanceof Conv2d conv && conv.config().groups() > 1 && conv.config().groups() == conv.config().in()) {
            kinds.put(conv.parameters().getFirst(), Kind.DEPTHWISE);
        }
        m.children().values().forEach(c -> classify(c, kinds));
    }

    private double factor(Kind kind) {
        boolean norm = kind == Kind.NORM || kind == Kind.SHORTCUT_NORM;
        boolean decays = switch (this) {
            case ALL -> true;
            case WEIGHTS -> !norm && kind != Kind.BIAS;
            case NVIDIA_PYTORCH -> kind != Kind.NORM;
            case TENSORFLOW -> !norm && kind != Kind.DEPTHWISE;
            case PADDLE -> !norm;
        };
        return !decays ? 0 : this == TENSORFLOW ? 2 : 1;
    }
}
