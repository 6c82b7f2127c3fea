package dev.jacquard.models;

import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.DropPath;
import dev.jacquard.layers.Dropout;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Initializers;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.MBConv;
import dev.jacquard.layers.MaxPool2d;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.layers.SqueezeExcite;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.function.Supplier;

/**
 * One network of each family, small enough for a double-precision reference or an emulated device: the blocks are those of the large ones, two or three of them, narrow. For tests
 * and for {@code ./jacquard selftest}; nobody would train them for their answers.
 */
public final class SmallNetworks {
    /** Images have so many rows and columns. */
    public static final int IMAGE_SIZE = 32;

    /** Number of logits. */
    public static final int CLASSES = 10;

    private static final int STEM = 16;

    /** A network. @param name of its family @param create makes one: (N, 32, 32, 3) to (N, 10) */
    public record Row(String name, Supplier<Module> create) {}

    private SmallNetworks() {}

    /** One of each family. */
    public static List<Row> rows() {
        return List.of(new Row("resnet", () -> resnet(ResNet.Config.of(ResNet.Block.BOTTLENECK))),
                new Row("se-resnext", () -> resnet(ResNet.Config.of(ResNet.Block.BOTTLENECK).groups(4, STEM).squeeze(4))),
                new Row("efficientnet", SmallNetworks::efficientnet));
    }

    /** Stem, one block of each kind (with a shortcut's convolution, with a stride, plain), head. */
    private static Module resnet(ResNet.Config blocks) {
        Conv2d stem = new Conv2d(Conv2d.Config.of(3, STEM, 7).stride(2).weight(Initializers.kaimingNormal(Initializers.Fan.OUT, Math.sqrt(2))));
        return Sequential.of(stem, new BatchNorm2d(STEM), Activation.RELU.module(), new MaxPool2d(3, Window.of(2, 1)), ResNet.block(blocks, STEM, STEM, 1),
                ResNet.block(blocks, 4 * STEM, 2 * STEM, 2), ResNet.block(blocks, 8 * STEM, 2 * STEM, 1), new GlobalAvgPool2d(), new Linear(8 * STEM, CLASSES));
    }

    private static Module efficientnet() {
        MBConv.Style style = new MBConv.Style(Activation.SILU, new BatchNorm2d.Settings(1e-3, 0.01), false, SqueezeExcite.Weights.CONVOLUTION, DropPath.Mode.SAMPLE,
                Initializers.kaimingNormal(Initializers.Fan.OUT, Math.sqrt(2)));
        return Sequential.of(MBConv.convolution(Conv2d.Config.of(3, STEM, 3).stride(2), style, Activation.SILU), new MBConv(new MBConv.Config(STEM, STEM, 3, 1, 1, 4, style, 1)),
                new MBConv(new MBConv.Config(STEM, 24, 5, 2, 4, 4, style, 1)), new MBConv(new MBConv.Config(24, 24, 3, 1, 4, 6, style, 0.8)),
                MBConv.convolution(Conv2d.Config.of(24, 64, 1), style, Activation.SILU), new GlobalAvgPool2d(), new Dropout(0.2), new Linear(64, CLASSES));
    }
}
