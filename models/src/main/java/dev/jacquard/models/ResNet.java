package dev.jacquard.models;

import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Initializers;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.MaxPool2d;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.layers.SqueezeExcite;
import dev.jacquard.layers.Activation;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;

/**
 * Residual networks (He et al. 2016, arXiv:1512.03385) in the v1.5 form, which strides in the 3x3 convolution: (N, H, W, 3) to logits (N, classes). Grouped
 * convolutions make it ResNeXt (Xie et al. 2017, arXiv:1611.05431), a gate after the last normalisation SE-ResNeXt. Variables are named as in torchvision;
 * the gate, which torchvision lacks, as in NVIDIA's network.
 */
public final class ResNet extends Module {
    private static final int STEM = 64;
    private static final int STAGES = 4;

    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final MaxPool2d maxPool;
    private final List<Sequential> stages = new ArrayList<>();
    private final GlobalAvgPool2d pool;
    private final Linear fc;

    /** Kinds of residual block. */
    public enum Block {
        /** Two 3x3 convolutions. */
        BASIC(1),
        /** 1x1, 3x3, 1x1, the output four times as wide as the stage. */
        BOTTLENECK(4);

        private final int expansion;

        Block(int expansion) {
            this.expansion = expansion;
        }
    }

    /**
     * Which member of the family.
     *
     * @param block kind of block
     * @param blocks blocks of each of the four stages
     * @param groups groups of the 3x3 convolutions of bottlenecks
     * @param widthPerGroup channels of one group in the first stage; 64 in one group is the plain network
     * @param squeeze units of each block's gate; 0 for no gates
     * @param fan what the convolutions' first values preserve: torchvision has the fan-out, NVIDIA the fan-in
     * @param zeroLast whether the last normalisation of each branch begins with weight 0, so that blocks begin as the identity
     */
    public record Config(Block block, List<Integer> blocks, int groups, int widthPerGroup, int squeeze, Initializers.Fan fan, boolean zeroLast) {
        /** Takes a copy of the blocks. */
        public Config {
            blocks = List.copyOf(blocks);
        }

        /** A plain network as torchvision initialises it. */
        public static Config of(Block block, int... blocks) {
            return new Config(block, java.util.Arrays.stream(blocks).boxed().toList(), 1, STEM, 0, Initializers.Fan.OUT, false);
        }

        /** The same as ResNeXt. */
        public Config groups(int n, int width) {
            return new Config(block, blocks, n, width, squeeze, fan, zeroLast);
        }

        /** The same with gates of a constant number of units. */
        public Config squeeze(int units) {
            return new Config(block, blocks, groups, widthPerGroup, units, fan, zeroLast);
        }

        /** The same with other first values of the convolutions. */
        public Config fan(Initializers.Fan other) {
            return new Config(block, blocks, groups, widthPerGroup, squeeze, other, zeroLast);
        }

        /** The same with the last normalisation of each branch at 0, or not. */
        public Config zeroLast(boolean on) {
            return new Config(block, blocks, groups, widthPerGroup, squeeze, fan, on);
        }

        private Initializer initial() {
            return Initializers.kaimingNormal(fan, Math.sqrt(2));
        }

        private Conv2d conv(int in, int out, int kernel, int stride, int g) {
            return new Conv2d(Conv2d.Config.of(in, out, kernel).stride(stride).groups(g).weight(initial()));
        }

        private BatchNorm2d last(int channels) {
            return new BatchNorm2d(channels, BatchNorm2d.Settings.STANDARD, zeroLast ? 0 : 1);
        }

        private Module residual(int in, int width, int stride) {
            return block == Block.BASIC ? new Basic(this, in, width, stride) : new Bottleneck(this, in, width, stride);
        }
    }

    /** A network with a head of its own number of classes. */
    public ResNet(Config config, int classes) {
        this.conv1 = child("conv1", config.conv(3, STEM, 7, 2, 1));
        this.bn1 = child("bn1", new BatchNorm2d(STEM));
        this.maxPool = child("maxpool", new MaxPool2d(3, Window.of(2, 1)));
        int in = STEM;
        for (int stage = 0; stage < STAGES; stage++) {
            int width = STEM << stage;
            List<Module> blocks = new ArrayList<>();
            for (int i = 0; i < config.blocks.get(stage); i++) {
                blocks.add(config.residual(in, width, i == 0 && stage > 0 ? 2 : 1));
                in = width * config.block.expansion;
            }
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        this.pool = child("avgpool", new GlobalAvgPool2d());
        this.fc = child("fc", new Linear(in, classes));
    }

    /** A residual block alone, for networks of other sizes. */
    static Module block(Config config, int in, int width, int stride) {
        return config.residual(in, width, stride);
    }

    @Override
    protected Tensor forward(Tensor x) {
        Tensor y = maxPool.apply(bn1.apply(conv1.apply(x)).relu());
        for (Sequential stage : stages) {
            y = stage.apply(y);
        }
        return fc.apply(pool.apply(y));
    }

    /** The shortcut's convolution and normalisation where a block changes the shape, else null. */
    private static Sequential downsample(Config c, int in, int out, int stride) {
        return stride == 1 && in == out ? null : Sequential.of(c.conv(in, out, 1, stride, 1), new BatchNorm2d(out));
    }

    private static SqueezeExcite gate(Config c, int channels) {
        return c.squeeze == 0 ? null : new SqueezeExcite(channels, c.squeeze, Activation.RELU, SqueezeExcite.Weights.LINEAR);
    }

    private abstract static class Residual extends Module {
        private SqueezeExcite gate;
        private Sequential downsample;

        /** Registered last, as the names' order has it. */
        final void rest(SqueezeExcite theGate, Sequential theDownsample) {
            gate = theGate == null ? null : child("squeeze", theGate);
            downsample = theDownsample == null ? null : child("downsample", theDownsample);
        }

        abstract Tensor branch(Tensor x);

        @Override
        protected Tensor forward(Tensor x) {
            Tensor y = branch(x);
            Tensor gated = gate == null ? y : gate.apply(y);
            return gated.add(downsample == null ? x : downsample.apply(x)).relu();
        }
    }

    private static final class Basic extends Residual {
        private final Conv2d conv1;
        private final BatchNorm2d bn1;
        private final Conv2d conv2;
        private final BatchNorm2d bn2;

        Basic(Config c, int in, int width, int stride) {
            this.conv1 = child("conv1", c.conv(in, width, 3, stride, 1));
            this.bn1 = child("bn1", new BatchNorm2d(width));
            this.conv2 = child("conv2", c.conv(width, width, 3, 1, 1));
            this.bn2 = child("bn2", c.last(width));
            rest(gate(c, width), downsample(c, in, width, stride));
        }

        @Override
        Tensor branch(Tensor x) {
            return bn2.apply(conv2.apply(bn1.apply(conv1.apply(x)).relu()));
        }
    }

    private static final class Bottleneck extends Residual {
        private final Conv2d conv1;
        private final BatchNorm2d bn1;
        private final Conv2d conv2;
        private final BatchNorm2d bn2;
        private final Conv2d conv3;
        private final BatchNorm2d bn3;

        Bottleneck(Config c, int in, int width, int stride) {
            int inner = width * c.widthPerGroup / STEM * c.groups;
            int out = width * c.block.expansion;
            this.conv1 = child("conv1", c.conv(in, inner, 1, 1, 1));
            this.bn1 = child("bn1", new BatchNorm2d(inner));
            this.conv2 = child("conv2", c.conv(inner, inner, 3, stride, c.groups));
            this.bn2 = child("bn2", new BatchNorm2d(inner));
            this.conv3 = child("conv3", c.conv(inner, out, 1, 1, 1));
            this.bn3 = child("bn3", c.last(out));
            rest(gate(c, out), downsample(c, in, out, stride));
        }

        @Override
        Tensor branch(Tensor x) {
            Tensor y = bn1.apply(conv1.apply(x)).relu();
            return bn3.apply(conv3.apply(bn2.apply(conv2.apply(y)).relu()));
        }
    }
}
