package dev.jacquard.bench.peers;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import java.util.List;
import java.util.function.Function;

/** The three networks in DJL's blocks, as a user of DJL writes them. Parameters come in the order of PyTorch's {@code state_dict}. */
final class DjlNetworks {
    private static final Function<NDList, NDList> RELU = Activation::relu;
    private static final Function<NDList, NDList> SILU = x -> Activation.swish(x, 1);

    private final float eps;

    private DjlNetworks(float eps) {
        this.eps = eps;
    }

    /** A network. @param eps of its normalisations */
    static Block of(String network, float eps) {
        DjlNetworks make = new DjlNetworks(eps);
        return switch (network) {
            case "resnet50" -> make.resNet(new int[] {3, 4, 6, 3}, 1, 64, 0);
            case "se-resnext101-32x4d" -> make.resNet(new int[] {3, 4, 23, 3}, 32, 4, 16);
            case "efficientnet-b0" -> make.efficientNetB0();
            default -> throw new IllegalArgumentException("no DJL blocks for " + network);
        };
    }

    private static Block conv(int out, int kernel, int stride, int groups) {
        return Conv2d.builder().setKernelShape(new Shape(kernel, kernel)).setFilters(out).optStride(new Shape(stride, stride)).optPadding(new Shape(kernel / 2, kernel / 2))
                .optGroups(groups)
                .optBias(false).build();
    }

    private Block norm() {
        return BatchNorm.builder().optEpsilon(eps).build();
    }

    private SequentialBlock resNet(int[] blocks, int groups, int widthPerGroup, int squeeze) {
        SequentialBlock net = new SequentialBlock().add(conv(64, 7, 2, 1)).add(norm()).add(RELU).add(Pool.maxPool2dBlock(new Shape(3, 3), new Shape(2, 2), new Shape(1, 1)));
        int in = 64;
        for (int stage = 0; stage < blocks.length; stage++) {
            int inner = (64 << stage) * widthPerGroup / 64 * groups;
            int out = (64 << stage) * 4;
            for (int i = 0; i < blocks[stage]; i++) {
                net.add(bottleneck(in, inner, out, i == 0 && stage > 0 ? 2 : 1, groups, squeeze));
                in = out;
            }
        }
        return net.add(Pool.globalAvgPool2dBlock()).add(Blocks.batchFlattenBlock()).add(Linear.builder().setUnits(1000).build());
    }

    private Block bottleneck(int in, int inner, int out, int stride, int groups, int squeeze) {
        SequentialBlock branch = new SequentialBlock().add(conv(inner, 1, 1, 1)).add(norm()).add(RELU).add(conv(inner, 3, stride, groups)).add(norm()).add(RELU)
                .add(conv(out, 1, 1, 1)).add(norm());
        if (squeeze > 0) {
            Block gate = new SequentialBlock().add(Pool.globalAvgPool2dBlock()).add(Blocks.batchFlattenBlock()).add(Linear.builder().setUnits(squeeze).build()).add(RELU)
                    .add(Linear.builder().setUnits(out).build()).add((Function<NDList, NDList>) Activation::sigmoid).addSingleton(g -> g.reshape(-1, out, 1, 1));
            branch.add(gated(gate));
        }
        Block shortcut = stride == 1 && in == out ? Blocks.identityBlock() : new SequentialBlock().add(conv(out, 1, stride, 1)).add(norm());
        return new SequentialBlock().add(sum(branch, shortcut)).add(RELU);
    }

    private static Block gated(Block gate) {
        return new ParallelBlock(l -> both(l, NDArray::mul), List.of(Blocks.identityBlock(), gate));
    }

    private static Block sum(Block branch, Block shortcut) {
        return new ParallelBlock(l -> both(l, NDArray::add), List.of(branch, shortcut));
    }

    private static NDList both(List<NDList> results, java.util.function.BinaryOperator<NDArray> op) {
        return new NDList(op.apply(results.get(0).singletonOrThrow(), results.get(1).singletonOrThrow()));
    }

    private SequentialBlock efficientNetB0() {
        // Kernel, stride, expansion, channels, blocks.
        int[][] stages = {{3, 1, 1, 16, 1}, {3, 2, 6, 24, 2}, {5, 2, 6, 40, 2}, {3, 2, 6, 80, 3}, {5, 1, 6, 112, 3}, {5, 2, 6, 192, 4}, {3, 1, 6, 320, 1}};
        SequentialBlock net = new SequentialBlock().add(conv(32, 3, 2, 1)).add(norm()).add(SILU);
        int in = 32;
        for (int[] s : stages) {
            for (int i = 0; i < s[4]; i++) {
                net.add(mbConv(in, s[3], s[0], i == 0 ? s[1] : 1, s[2]));
                in = s[3];
            }
        }
        return net.add(conv(1280, 1, 1, 1)).add(norm()).add(SILU).add(Pool.globalAvgPool2dBlock()).add(Blocks.batchFlattenBlock()).add(Linear.builder().setUnits(1000).build());
    }

    private Block mbConv(int in, int out, int kernel, int stride, int expand) {
        int hidden = in * expand;
        SequentialBlock branch = new SequentialBlock();
        if (expand != 1) {
            branch.add(conv(hidden, 1, 1, 1)).add(norm()).add(SILU);
        }
        branch.add(conv(hidden, kernel, stride, hidden)).add(norm()).add(SILU);
        Block gate = new SequentialBlock().add(Pool.globalAvgPool2dBlock()).addSingleton(x -> x.reshape(-1, hidden, 1, 1)).add(pixel(in / 4)).add(SILU).add(pixel(hidden))
                .add((Function<NDList, NDList>) Activation::sigmoid);
        branch.add(gated(gate)).add(conv(out, 1, 1, 1)).add(norm());
        return stride == 1 && in == out ? sum(branch, Blocks.identityBlock()) : branch;
    }

    private static Block pixel(int out) {
        return Conv2d.builder().setKernelShape(new Shape(1, 1)).setFilters(out).build();
    }
}
