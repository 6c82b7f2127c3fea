package dev.jacquard.layers;

import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Window;

/** 2-D convolution: (N, H, W, C) to (N, OH, OW, K). Variables: {@code weight} (K, R, S, C/groups) and, on request, {@code bias} (K). */
public final class Conv2d extends Module {
    private final Config config;
    private final Variable weight;
    private final Variable bias;

    /**
     * What a convolution is.
     *
     * @param in channels of the input, C
     * @param out channels of the output, K
     * @param r rows of the kernel
     * @param s columns of the kernel
     * @param window stride, padding, dilation
     * @param same whether the padding is TensorFlow's SAME for the input at hand instead of the window's: output {@code ceil(size / stride)}, the odd pixel
     *     at the bottom and right
     * @param groups number of groups; {@code in} for a depthwise convolution
     * @param bias whether a bias is added
     * @param first first values of weights and bias
     */
    public record Config(long in, long out, int r, int s, Window window, boolean same, int groups, boolean bias, FirstValues first) {
        /** Checks the ranges. */
        public Config {
            if (groups < 1 || in % groups != 0 || out % groups != 0) {
                throw new ShapeException("conv2d", "groups do not divide the channels", groups + " groups, C = " + in + ", K = " + out, "a divisor of both", "check groups");
            }
            if (same && (window.dilationH() != 1 || window.dilationW() != 1 || window.strideH() != window.strideW())) {
                throw new ShapeException("conv2d", "SAME padding of a dilated window or of unequal strides", window.toString(), "dilation 1, one stride",
                        "say the padding explicitly");
            }
        }

        /** A square kernel, stride 1, padding {@code (kernel - 1) / 2} on all sides, one group, no bias, PyTorch's default initialisation. */
        public static Config of(long in, long out, int kernel) {
            return new Config(in, out, kernel, kernel, Window.of(1, (kernel - 1) / 2), false, 1, false, FirstValues.STANDARD);
        }

        /** The same with another stride, both ways. */
        public Config stride(int stride) {
            return window(new Window(stride, stride, window.top(), window.bottom(), window.left(), window.right(), window.dilationH(), window.dilationW()));
        }

        /** The same with another window. */
        public Config window(Window other) {
            return new Config(in, out, r, s, other, same, groups, bias, first);
        }

        /** The same with TensorFlow's SAME padding, or without. */
        public Config same(boolean on) {
            return new Config(in, out, r, s, window, on, groups, bias, first);
        }

        /** The same with another number of groups. */
        public Config groups(int n) {
            return new Config(in, out, r, s, window, same, n, bias, first);
        }

        /** The same with a bias, or without. */
        public Config bias(boolean on) {
            return new Config(in, out, r, s, window, same, groups, on, first);
        }

        /** The same with other first values of the weights. */
        public Config weight(Initializer other) {
            return first(first.weight(other));
        }

        /** The same with other first values of weights and bias. */
        public Config first(FirstValues other) {
            return new Config(in, out, r, s, window, same, groups, bias, other);
        }

        private Window windowFor(Shape x) {
            return same ? Window.same(window.strideH(), x.dim(1), x.dim(2), r, s) : window;
        }
    }

    /** A convolution. */
    public Conv2d(Config config) {
        this.config = config;
        Shape shape = Shape.of(config.out, config.r, config.s, config.in / config.groups);
        this.weight = parameter("weight", shape, config.first.weight());
        this.bias = config.bias ? parameter("bias", Shape.of(config.out), config.first.bias(Initializers.Fan.IN.of(shape))) : null;
    }

    /** What it is. */
    public Config config() {
        return config;
    }

    @Override
    protected Tensor forward(Tensor x) {
        Tensor y = x.conv2d(x.context().read(weight), config.windowFor(x.shape()), config.groups);
        return bias == null ? y : y.add(x.context().read(bias));
    }
}
