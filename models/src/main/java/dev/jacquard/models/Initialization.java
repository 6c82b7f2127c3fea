package dev.jacquard.models;

import dev.jacquard.layers.FirstValues;
import dev.jacquard.layers.Initializers;
import dev.jacquard.layers.Initializers.Fan;
import dev.jacquard.tensor.Initializer;

/**
 * How each system draws the first weights. Normalisations begin with weight 1 and bias 0 in all of them. Where a system lacks a network (torchvision has no SE-ResNeXt,
 * TensorFlow's system no ResNet), its rule for the same kind of layer is taken.
 */
public enum Initialization {
    /**
     * torchvision: convolutions Kaiming normal by the fan-out, gain sqrt(2). ResNet's linear layers as PyTorch has them by default. EfficientNet's gates as its convolutions with
     * biases of 0, its last layer uniform in {@code +-1 / sqrt(classes)} with a bias of 0.
     */
    TORCHVISION {
        @Override
        Values values(Family family) {
            Initializer convolution = Initializers.kaimingNormal(Fan.OUT, ROOT_2);
            return family == Family.RESNET ? new Values(convolution, convolution, FirstValues.STANDARD, FirstValues.STANDARD)
                    : new Values(convolution, convolution, new FirstValues(convolution, true), new FirstValues(UNIFORM_OUT, true));
        }
    },
    /** NVIDIA's networks for PyTorch: convolutions Kaiming normal by the fan-in, gain sqrt(2); gates and the last layer as PyTorch has them by default. */
    NVIDIA {
        @Override
        Values values(Family family) {
            Initializer convolution = Initializers.kaimingNormal(Fan.IN, ROOT_2);
            return new Values(convolution, convolution, FirstValues.STANDARD, FirstValues.STANDARD);
        }
    },
    /**
     * NVIDIA's networks for TensorFlow: convolutions, gates included, VarianceScaling of 2 by the fan-out, truncated normal; the last layer VarianceScaling of 1/3 by the fan-out,
     * uniform; biases 0. Keras counts the fan-out of a depthwise kernel as R S (see {@link Initializers#varianceScalingNormal}), where PyTorch counts C R S: EfficientNet-B0's
     * widest depthwise weights begin 34 times as large here as by PyTorch's fan-out.
     */
    TENSORFLOW {
        @Override
        Values values(Family family) {
            Initializer convolution = Initializers.varianceScalingNormal(2, Fan.OUT);
            return new Values(convolution, Initializers.varianceScalingNormal(2, Fan.IN), new FirstValues(convolution, true),
                    new FirstValues(Initializers.varianceScalingUniform(1.0 / 3, Fan.OUT), true));
        }
    },
    /** NVIDIA's ResNet50 for Paddle: convolutions Kaiming normal by the fan-in, gain sqrt(2); linear layers uniform in {@code +-1 / sqrt(fan-in)} with a bias of 0. */
    PADDLE {
        @Override
        Values values(Family family) {
            Initializer convolution = Initializers.kaimingNormal(Fan.IN, ROOT_2);
            FirstValues linear = new FirstValues(Initializers.standard(), true);
            return new Values(convolution, convolution, linear, linear);
        }
    };

    private static final double ROOT_2 = Math.sqrt(2);

    /** Uniform in +-1 / sqrt(outputs). */
    private static final Initializer UNIFORM_OUT = Initializers.varianceScalingUniform(1.0 / 3, Fan.OUT);

    /** The rules for a family's layers. */
    abstract Values values(Family family);

    /**
     * Rules by kind of layer.
     *
     * @param convolution weights of full and grouped convolutions
     * @param depthwise weights of depthwise ones
     * @param gate both layers of squeeze and excitation
     * @param head the last layer
     */
    record Values(Initializer convolution, Initializer depthwise, FirstValues gate, FirstValues head) {}
}
