package dev.jacquard.models;

import dev.jacquard.layers.Activation;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.DropPath;
import dev.jacquard.layers.Dropout;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.MBConv;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.layers.SqueezeExcite;
import dev.jacquard.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * EfficientNet (Tan and Le 2019, arXiv:1905.11946): (N, H, W, channels) to logits (N, classes). One network, B0, scaled in width, depth and resolution to B1 ... B7. NVIDIA's
 * WideSE networks differ in one number: their gates squeeze to a quarter of the block's inner channels instead of a quarter of its input's. Variables are named as in torchvision.
 */
public final class EfficientNet extends Module {
    private static final String ORIGINAL = "efficientnet-";
    private static final String WIDE = "efficientnet-widese-";
    private static final int STEM = 32;
    private static final int HEAD = 1280;
    private static final int DIVISOR = 8;

    /** B0's stages. */
    private static final List<Stage> STAGES = List.of(
            new Stage(3, 1, 1, 16, 1),
            new Stage(3, 2, 6, 24, 2),
            new Stage(5, 2, 6, 40, 2),
            new Stage(3, 2, 6, 80, 3),
            new Stage(5, 1, 6, 112, 3),
            new Stage(5, 2, 6, 192, 4),
            new Stage(3, 1, 6, 320, 1));

    /**
     * The scaled networks. NVIDIA's PyTorch recipe drops branches in B4 alone; its TensorFlow recipe has a survival of 0.8 in all. The last two numbers are torchvision's: pixels
     * that its weights are measured at, and what the shorter side is scaled to before.
     */
    private static final List<Scale> SCALES = List.of(
            new Scale("b0", 1.0, 1.0, 224, 0.2, 1.0, 224, 256),
            new Scale("b1", 1.0, 1.1, 240, 0.2, 1.0, 240, 256),
            new Scale("b2", 1.1, 1.2, 260, 0.3, 1.0, 288, 288),
            new Scale("b3", 1.2, 1.4, 300, 0.3, 1.0, 300, 320),
            new Scale("b4", 1.4, 1.8, 380, 0.4, 0.8, 380, 384),
            new Scale("b5", 1.6, 2.2, 456, 0.4, 1.0, 456, 456),
            new Scale("b6", 1.8, 2.6, 528, 0.5, 1.0, 528, 528),
            new Scale("b7", 2.0, 3.1, 600, 0.5, 1.0, 600, 600));

    private final Sequential features;
    private final GlobalAvgPool2d pool;
    private final Sequential classifier;

    private record Stage(int kernel, int stride, int expand, int channels, int blocks) {}

    private record Scale(String name, double width, double depth, int resolution, double dropout, double survival, int torchvisionResolution, int torchvisionShorter) {
        ModelRow row(String family, Squeeze squeeze, String source) {
            ModelOptions defaults = new ModelOptions(1000, 3, Padding.SYMMETRIC, Initialization.NVIDIA, 0.01, 1e-3, dropout, survival, DropPath.Mode.BATCH, false);
            Config config = new Config(width, depth, squeeze);
            List<String> aliases = squeeze == Squeeze.INPUT ? List.of("efficientnet_" + name) : List.of();
            return new ModelRow(family + name, aliases, Family.EFFICIENTNET, options -> new EfficientNet(config, options), defaults, resolution,
                    Preprocessing.nvidia(resolution, Preprocessing.Interpolation.BICUBIC), source);
        }

        /** torchvision made B0 to B4 from timm's weights, with PyTorch's constants in the normalisations, and the larger ones from TensorFlow's. */
        ModelRow torchvision(ModelRow row) {
            ModelOptions options = row.defaults().initialization(Initialization.TORCHVISION).survival(0.8).dropPath(DropPath.Mode.SAMPLE);
            return row.with(resolution < 456 ? options.normEps(1e-5).normMomentum(0.1) : options, torchvisionResolution,
                    Preprocessing.torchvision(torchvisionResolution, torchvisionShorter));
        }
    }

    /** What a gate's width is a quarter of. */
    public enum Squeeze {
        /** The block's input: the paper's. */
        INPUT,
        /** The block's inner channels: NVIDIA's WideSE. */
        HIDDEN
    }

    /**
     * Which member of the family.
     *
     * @param width what B0's numbers of channels are multiplied by
     * @param depth what B0's numbers of blocks are multiplied by
     * @param squeeze what the gates' width is a quarter of
     */
    public record Config(double width, double depth, Squeeze squeeze) {
        /** Scaled channels: the nearest multiple of 8, but never less than nine tenths. */
        int channels(int base) {
            double scaled = base * width;
            int rounded = Math.max(DIVISOR, (int) (scaled + DIVISOR / 2.0) / DIVISOR * DIVISOR);
            return rounded < 0.9 * scaled ? rounded + DIVISOR : rounded;
        }

        /** Scaled number of blocks, rounded up. */
        int blocks(int base) {
            return (int) Math.ceil(base * depth);
        }

        /** Number of blocks of the network. */
        int blocks() {
            return STAGES.stream().mapToInt(s -> blocks(s.blocks)).sum();
        }

        private int squeeze(int in, int expand) {
            return Math.max(1, (squeeze == Squeeze.HIDDEN ? in * expand : in) / 4);
        }
    }

    /** A network. */
    public EfficientNet(Config config, ModelOptions options) {
        Initialization.Values initial = options.initialization().values(Family.EFFICIENTNET);
        MBConv.Style style = new MBConv.Style(Activation.SILU, options.norm(), options.same(), SqueezeExcite.Weights.CONVOLUTION, options.dropPath(),
                new MBConv.Initial(initial.convolution(), initial.depthwise(), initial.gate(), options.zeroLastNorm()));
        int in = config.channels(STEM);
        List<Module> parts = new ArrayList<>();
        parts.add(MBConv.convolution(Conv2d.Config.of(options.channels(), in, 3).stride(2), style, Activation.SILU));
        int block = 0;
        for (Stage stage : STAGES) {
            int out = config.channels(stage.channels);
            List<Module> blocks = new ArrayList<>();
            for (int i = 0; i < config.blocks(stage.blocks); i++) {
                blocks.add(new MBConv(new MBConv.Config(in, out, stage.kernel, i == 0 ? stage.stride : 1, stage.expand, config.squeeze(in, stage.expand), style,
                        options.survival(block++, config.blocks()))));
                in = out;
            }
            parts.add(new Sequential(blocks));
        }
        int top = config.channels(HEAD);
        parts.add(MBConv.convolution(Conv2d.Config.of(in, top, 1), style, Activation.SILU));
        this.features = child("features", new Sequential(parts));
        this.pool = child("avgpool", new GlobalAvgPool2d());
        this.classifier = child("classifier", Sequential.of(new Dropout(options.dropout()), new Linear(top, options.classes(), initial.head())));
    }

    /** A row as a system has it. */
    static Optional<ModelRow> as(ModelRow row, Origin origin) {
        boolean wide = row.name().startsWith(WIDE);
        ModelOptions own = row.defaults();
        return switch (origin) {
            case NVIDIA -> Optional.of(row);
            case TENSORFLOW -> wide ? Optional.empty() : Optional.of(row.with(
                    own.padding(Padding.SAME).initialization(Initialization.TENSORFLOW).survival(0.8).dropPath(DropPath.Mode.SAMPLE), row.resolution(),
                    row.preprocessing().tensorflow()));
            case TORCHVISION -> wide ? Optional.empty() : SCALES.stream().filter(s -> row.name().equals(ORIGINAL + s.name)).findFirst().map(s -> s.torchvision(row));
            case PADDLE -> Optional.empty();
        };
    }

    /** B0 to B7, then the same with wide gates. */
    static List<ModelRow> rows() {
        String paper = "Tan and Le 2019, arXiv:1905.11946; settings as NVIDIA's, names as in torchvision";
        String wide = "EfficientNet with gates of a quarter of the inner channels, NVIDIA DeepLearningExamples; names as in torchvision";
        return Stream.concat(SCALES.stream().map(s -> s.row(ORIGINAL, Squeeze.INPUT, paper)),
                SCALES.stream().map(s -> s.row(WIDE, Squeeze.HIDDEN, wide))).toList();
    }

    @Override
    protected Tensor forward(Tensor x) {
        return classifier.apply(pool.apply(features.apply(x)));
    }
}
