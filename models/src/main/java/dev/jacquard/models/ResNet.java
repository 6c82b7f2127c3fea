package dev.jacquard.models;

import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.DropPath;
import dev.jacquard.layers.Dropout;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.MaxPool2d;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.layers.SqueezeExcite;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/**
 * Residual networks (He et al. 2016, arXiv:1512.03385) in the v1.5 form, which strides in the 3x3 convolution: (N, H, W, channels) to logits (N, classes). Grouped
 * convolutions make it ResNeXt (Xie et al. 2017, arXiv:1611.05431), a gate after the last normalisation SE-ResNeXt. Variables are named as in torchvision;
 * the gate, which torchvision lacks, as in NVIDIA's network.
 */
public final class ResNet extends Module {
    private static final int STEM = 64;
    private static final int STAGES = 4;

    /** torchvision's options. */
    static final ModelOptions DEFAULTS = new ModelOptions(1000, 3, Padding.SYMMETRIC, Initialization.TORCHVISION, 0.1, 1e-5, 0, 1, DropPath.Mode.BATCH, false);

    private static final ModelOptions NVIDIA = DEFAULTS.initialization(Initialization.NVIDIA);

    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final MaxPool2d maxPool;
    private final List<Sequential> stages = new ArrayList<>();
    private final GlobalAvgPool2d pool;
    private final Dropout dropout;
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
     * @param squeeze units of a block's gate as a function of its output's channels; 0 for no gate
     */
    public record Config(Block block, List<Integer> blocks, int groups, int widthPerGroup, IntUnaryOperator squeeze) {
        /** Takes a copy of the blocks. */
        public Config {
            blocks = List.copyOf(blocks);
        }

        /** A plain network. */
        public static Config of(Block block, int... blocks) {
            return new Config(block, Arrays.stream(blocks).boxed().toList(), 1, STEM, _ -> 0);
        }

        /** The same as ResNeXt. @param width channels of a group in the first stage */
        public Config groups(int n, int width) {
            return new Config(block, blocks, n, width, squeeze);
        }

        /** The same with gates of a constant number of units. */
        public Config squeeze(int units) {
            return new Config(block, blocks, groups, widthPerGroup, _ -> units);
        }

        /** The same with gates of a share of the channels, as in the paper of Hu et al. 2018, arXiv:1709.01507. */
        public Config squeezeShare(int divisor) {
            return new Config(block, blocks, groups, widthPerGroup, channels -> channels / divisor);
        }
    }

    /** Makes the layers of a network, each with the options that concern it. */
    private record Layers(Config config, ModelOptions options, Initialization.Values initial) {
        Layers(Config config, ModelOptions options) {
            this(config, options, options.initialization().values(Family.RESNET));
        }

        Conv2d conv(int in, int out, int kernel, int stride, int groups) {
            return new Conv2d(Conv2d.Config.of(in, out, kernel).stride(stride).groups(groups).same(options.same()).weight(initial.convolution()));
        }

        BatchNorm2d norm(int channels) {
            return new BatchNorm2d(channels, options.norm(), 1);
        }

        /** The last one of a branch. */
        BatchNorm2d last(int channels) {
            return new BatchNorm2d(channels, options.norm(), options.zeroLastNorm() ? 0 : 1);
        }

        /** A block's gate, else null. */
        SqueezeExcite gate(int channels) {
            int units = config.squeeze.applyAsInt(channels);
            return units == 0 ? null : new SqueezeExcite(channels, units, Activation.RELU, SqueezeExcite.Weights.LINEAR, initial.gate());
        }

        /** The shortcut's convolution and normalisation where a block changes the shape, else null. */
        Sequential downsample(int in, int out, int stride) {
            return stride == 1 && in == out ? null : Sequential.of(conv(in, out, 1, stride, 1), norm(out));
        }

        /** @param survival probability that the branch is kept */
        Module residual(int in, int width, int stride, double survival) {
            DropPath path = new DropPath(survival, options.dropPath());
            return config.block == Block.BASIC ? new Basic(this, in, width, stride, path) : new Bottleneck(this, in, width, stride, path);
        }
    }

    /** A network. */
    public ResNet(Config config, ModelOptions options) {
        Layers layers = new Layers(config, options);
        this.conv1 = child("conv1", layers.conv(options.channels(), STEM, 7, 2, 1));
        this.bn1 = child("bn1", layers.norm(STEM));
        this.maxPool = child("maxpool", new MaxPool2d(3, Window.of(2, 1), options.same()));
        int total = config.blocks.stream().mapToInt(Integer::intValue).sum();
        int block = 0;
        int in = STEM;
        for (int stage = 0; stage < STAGES; stage++) {
            int width = STEM << stage;
            List<Module> blocks = new ArrayList<>();
            for (int i = 0; i < config.blocks.get(stage); i++) {
                blocks.add(layers.residual(in, width, i == 0 && stage > 0 ? 2 : 1, options.survival(block++, total)));
                in = width * config.block.expansion;
            }
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        this.pool = child("avgpool", new GlobalAvgPool2d());
        this.dropout = child("dropout", new Dropout(options.dropout()));
        this.fc = child("fc", new Linear(in, options.classes(), layers.initial.head()));
    }

    /** The registered members. */
    static List<ModelRow> rows() {
        String plain = "He et al. 2016, arXiv:1512.03385; v1.5 and names as in torchvision";
        String next = "Xie et al. 2017, arXiv:1611.05431; names as in torchvision";
        String gated = "Hu et al. 2018, arXiv:1709.01507, on ResNeXt; names as in torchvision and, of the gates, NVIDIA's";
        Config next101 = Config.of(Block.BOTTLENECK, 3, 4, 23, 3).groups(32, 4);
        return List.of(
                row("resnet18", Config.of(Block.BASIC, 2, 2, 2, 2), DEFAULTS, plain),
                row("resnet34", Config.of(Block.BASIC, 3, 4, 6, 3), DEFAULTS, plain),
                row("resnet50", Config.of(Block.BOTTLENECK, 3, 4, 6, 3), DEFAULTS, plain),
                row("resnext101-32x4d", next101, NVIDIA, next, "resnext101_32x4d"),
                row("se-resnext101-32x4d", next101.squeeze(16), NVIDIA, gated + "; 16 units in every block, as NVIDIA's"),
                row("se-resnext101-32x4d-c16", next101.squeezeShare(16), NVIDIA, gated + "; a sixteenth of the channels, as the paper and timm", "seresnext101_32x4d"));
    }

    /** A row as a system has it. torchvision's and NVIDIA's differ in the first values alone. */
    static Optional<ModelRow> as(ModelRow row, Origin origin) {
        ModelOptions own = row.defaults();
        return switch (origin) {
            case TORCHVISION -> row.name().startsWith("resnet") ? Optional.of(row.with(own.initialization(Initialization.TORCHVISION))) : Optional.empty();
            case NVIDIA -> List.of("resnet50", "resnext101-32x4d", "se-resnext101-32x4d").contains(row.name()) ? Optional.of(row.with(own.initialization(Initialization.NVIDIA)))
                    : Optional.empty();
            case PADDLE -> row.name().equals("resnet50") ? Optional.of(row.with(own.initialization(Initialization.PADDLE).channels(4))) : Optional.empty();
            case TENSORFLOW -> Optional.empty();
        };
    }

    private static ModelRow row(String name, Config config, ModelOptions defaults, String source, String... aliases) {
        return new ModelRow(name, List.of(aliases), Family.RESNET, options -> new ResNet(config, options), defaults, 224, Preprocessing.IMAGENET, source);
    }

    /** A residual block alone, for networks of other sizes. */
    static Module block(Config config, int in, int width, int stride) {
        return new Layers(config, DEFAULTS).residual(in, width, stride, 1);
    }

    @Override
    protected Tensor forward(Tensor x) {
        Tensor y = maxPool.apply(bn1.apply(conv1.apply(x)).relu());
        for (Sequential stage : stages) {
            y = stage.apply(y);
        }
        return fc.apply(dropout.apply(pool.apply(y)));
    }

    private abstract static class Residual extends Module {
        private SqueezeExcite gate;
        private Sequential downsample;
        private DropPath path;

        /** Registered last, as the names' order has it. */
        final void rest(SqueezeExcite theGate, Sequential theDownsample, DropPath thePath) {
            gate = theGate == null ? null : child("squeeze", theGate);
            downsample = theDownsample == null ? null : child("downsample", theDownsample);
            path = child("stochastic_depth", thePath);
        }

        abstract Tensor branch(Tensor x);

        @Override
        protected Tensor forward(Tensor x) {
            Tensor y = branch(x);
            Tensor gated = gate == null ? y : gate.apply(y);
            return path.apply(gated).add(downsample == null ? x : downsample.apply(x)).relu();
        }
    }

    private static final class Basic extends Residual {
        private final Conv2d conv1;
        private final BatchNorm2d bn1;
        private final Conv2d conv2;
        private final BatchNorm2d bn2;

        Basic(Layers c, int in, int width, int stride, DropPath path) {
            this.conv1 = child("conv1", c.conv(in, width, 3, stride, 1));
            this.bn1 = child("bn1", c.norm(width));
            this.conv2 = child("conv2", c.conv(width, width, 3, 1, 1));
            this.bn2 = child("bn2", c.last(width));
            rest(c.gate(width), c.downsample(in, width, stride), path);
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

        Bottleneck(Layers c, int in, int width, int stride, DropPath path) {
            int groups = c.config.groups;
            int inner = width * c.config.widthPerGroup / STEM * groups;
            int out = width * c.config.block.expansion;
            this.conv1 = child("conv1", c.conv(in, inner, 1, 1, 1));
            this.bn1 = child("bn1", c.norm(inner));
            this.conv2 = child("conv2", c.conv(inner, inner, 3, stride, groups));
            this.bn2 = child("bn2", c.norm(inner));
            this.conv3 = child("conv3", c.conv(inner, out, 1, 1, 1));
            this.bn3 = child("bn3", c.last(out));
            rest(c.gate(out), c.downsample(in, out, stride), path);
        }

        @Override
        Tensor branch(Tensor x) {
            Tensor y = bn1.apply(conv1.apply(x)).relu();
            return bn3.apply(conv3.apply(bn2.apply(conv2.apply(y)).relu()));
        }
    }
}
