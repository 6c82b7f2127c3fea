package dev.jacquard.layers;

import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Inverted residual block (Sandler et al. 2018, arXiv:1801.04381) with squeeze and excitation, as in EfficientNet (Tan and Le 2019, arXiv:1905.11946): 1x1
 * expansion, depthwise convolution, gate, 1x1 projection; around it a shortcut where input and output have one shape.
 *
 * <p>Parts are named as in torchvision: {@code block.0} the expansion (absent if the ratio is 1), then the depthwise convolution, the gate, the projection;
 * in each convolution's sequence {@code 0} is the convolution and {@code 1} its normalisation.
 */
public final class MBConv extends Module {
    private final Sequential block;
    private final DropPath dropPath;
    private final boolean shortcut;

    /**
     * What a block is.
     *
     * @param in channels of the input
     * @param out channels of the output
     * @param kernel rows and columns of the depthwise kernel
     * @param stride of the depthwise convolution
     * @param expand ratio of the inner channels to the input's
     * @param squeeze units of the gate; 0 for none
     * @param style what all blocks of a network share
     * @param survival probability that the branch is kept in training
     */
    public record Config(long in, long out, int kernel, int stride, int expand, long squeeze, Style style, double survival) {
        /** Channels of the depthwise convolution. */
        public long hidden() {
            return in * expand;
        }
    }

    /**
     * What all blocks of a network share.
     *
     * @param activation after expansion, depthwise convolution and squeeze
     * @param norm settings of the normalisations
     * @param samePadding whether padding is TensorFlow's SAME
     * @param gate how the gate's layers are stored
     * @param dropPath who shares a fate
     * @param initial first values
     */
    public record Style(Activation activation, BatchNorm2d.Settings norm, boolean samePadding, SqueezeExcite.Weights gate, DropPath.Mode dropPath, Initial initial) {
        /** A style whose convolutions all begin alike, with PyTorch's default for the gates. @param weight first values of the convolutions' weights */
        public Style(Activation activation, BatchNorm2d.Settings norm, boolean samePadding, SqueezeExcite.Weights gate, DropPath.Mode dropPath, Initializer weight) {
            this(activation, norm, samePadding, gate, dropPath, new Initial(weight, weight, FirstValues.STANDARD, false));
        }
    }

    /**
     * First values.
     *
     * @param convolution weights of full convolutions
     * @param depthwise weights of depthwise convolutions, whose fans Keras counts differently
     * @param gate both layers of the gates
     * @param zeroLast whether the last normalisation of a block with a shortcut begins with weight 0, so that the block begins as the identity
     */
    public record Initial(Initializer convolution, Initializer depthwise, FirstValues gate, boolean zeroLast) {}

    /** A block. */
    public MBConv(Config c) {
        Style style = c.style;
        this.shortcut = c.stride == 1 && c.in == c.out;
        List<Module> parts = new ArrayList<>();
        if (c.expand != 1) {
            parts.add(convolution(Conv2d.Config.of(c.in, c.hidden(), 1), style, style.activation));
        }
        Conv2d.Config depthwise = Conv2d.Config.of(c.hidden(), c.hidden(), c.kernel).stride(c.stride).groups(Math.toIntExact(c.hidden()));
        parts.add(convolution(depthwise.weight(style.initial.depthwise), style, style.activation, 1));
        if (c.squeeze > 0) {
            parts.add(new SqueezeExcite(c.hidden(), c.squeeze, style.activation, style.gate, style.initial.gate));
        }
        double gamma = shortcut && style.initial.zeroLast ? 0 : 1;
        parts.add(convolution(Conv2d.Config.of(c.hidden(), c.out, 1).weight(style.initial.convolution), style, Activation.IDENTITY, gamma));
        this.block = child("block", new Sequential(parts));
        this.dropPath = child("stochastic_depth", new DropPath(c.survival, style.dropPath));
    }

    /** Convolution, normalisation, activation: the sequence that EfficientNets are made of, {@code 0} and {@code 1} having the weights. */
    public static Sequential convolution(Conv2d.Config conv, Style style, Activation activation) {
        return convolution(conv.weight(style.initial.convolution), style, activation, 1);
    }

    private static Sequential convolution(Conv2d.Config conv, Style style, Activation activation, double gamma) {
        return Sequential.of(new Conv2d(conv.same(style.samePadding)), new BatchNorm2d(conv.out(), style.norm, gamma), activation.module());
    }

    @Override
    protected Tensor forward(Tensor x) {
        Tensor y = block.apply(x);
        return shortcut ? dropPath.apply(y).add(x) : y;
    }
}
