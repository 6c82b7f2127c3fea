package dev.jacquard.bench;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The ops that {@link OpBench} times: those that the three families spend their time in, batch 8, by name. */
final class BenchOps {
    private static final int N = 8;

    /** Convolutions of the families: those of cpu-baseline's table, and strided ones. */
    private static final List<Conv> CONVOLUTIONS = List.of(
            new Conv("stem-7x7s2-224-3-64", 224, 3, 64, 7, 2, 1),
            new Conv("3x3-56-64-64", 56, 64, 64, 3, 1, 1),
            new Conv("1x1-56-256-64", 56, 256, 64, 1, 1, 1),
            new Conv("3x3-14-256-256", 14, 256, 256, 3, 1, 1),
            new Conv("1x1-7-512-2048", 7, 512, 2048, 1, 1, 1),
            new Conv("3x3s2-28-256-256", 28, 256, 256, 3, 2, 1),
            new Conv("1x1s2-28-512-1024", 28, 512, 1024, 1, 2, 1),
            new Conv("depthwise-3x3-112-96", 112, 96, 96, 3, 1, 96),
            new Conv("depthwise-3x3s2-112-96", 112, 96, 96, 3, 2, 96),
            new Conv("depthwise-5x5-14-672", 14, 672, 672, 5, 1, 672),
            new Conv("grouped32-3x3-28-256", 28, 256, 256, 3, 1, 32),
            new Conv("grouped32-3x3s2-56-256", 56, 256, 256, 3, 2, 32));

    private static final Map<String, Case> CASES = cases();

    private BenchOps() {}

    /**
     * An op on operands.
     *
     * @param sample both
     * @param weights position of the operand that is a weight, which stays the same from run to run in an evaluation; -1 for none
     */
    record Case(Sample sample, int weights) {}

    private record Conv(String name, int size, int c, int k, int r, int stride, int groups) {
        Window window() {
            return Window.of(stride, r / 2);
        }

        Operand images() {
            return Operand.of(N, size, size, c);
        }

        Operand filters() {
            return Operand.of(k, r, r, c / groups);
        }

        Operand results() {
            return Operand.of(N, window().outH(size, r), window().outW(size, r), k);
        }
    }

    /** Names of all. */
    static List<String> names() {
        return List.copyOf(CASES.keySet());
    }

    /** An op by name. @throws IllegalArgumentException if there is none */
    static Case of(String name) {
        Case found = CASES.get(name);
        if (found == null) {
            throw new IllegalArgumentException("no op " + name + "; there are " + names());
        }
        return found;
    }

    private static Map<String, Case> cases() {
        Map<String, Case> all = new LinkedHashMap<>();
        all.put("matmul-512", new Case(Sample.of(new MatMul(false, false), Operand.of(512, 512), Operand.of(512, 512)), 1));
        all.put("matmul-1024", new Case(Sample.of(new MatMul(false, false), Operand.of(1024, 1024), Operand.of(1024, 1024)), 1));
        all.put("linear-16-2048-1000", new Case(Sample.of(new MatMul(false, true), Operand.of(16, 2048), Operand.of(1000, 2048)), 1));
        for (Conv c : CONVOLUTIONS) {
            all.put("forward-" + c.name, new Case(Sample.of(new Conv2d(c.window(), c.groups), c.images(), c.filters()), 1));
        }
        for (Conv c : CONVOLUTIONS) {
            all.put("data-" + c.name, new Case(Sample.of(new Conv2dBackwardData(c.window(), c.groups, c.size, c.size), c.results(), c.filters()), -1));
        }
        for (Conv c : CONVOLUTIONS) {
            all.put("weight-" + c.name, new Case(Sample.of(new Conv2dBackwardWeight(c.window(), c.groups, c.r, c.r), c.images(), c.results()), -1));
        }
        others(all);
        return all;
    }

    private static void others(Map<String, Case> all) {
        Operand image = Operand.of(N, 56, 56, 256);
        Operand perChannel = Operand.range(0.5, 1.5, 256);
        put(all, "norm-relu-add-56-256", Sample.of(new BatchNormActivation(1e-5, Nonlinearity.RELU, true), image, perChannel, perChannel, image));
        put(all, "norm-silu-56-256", Sample.of(new BatchNormActivation(1e-5, Nonlinearity.SILU, false), image, perChannel, perChannel));
        // The mean of the images is about 0 and their variance 1/3: gradients do not need the very statistics to take as long.
        put(all, "norm-silu-backward-56-256", Sample.of(new BatchNormActivationBackward(1e-5, Nonlinearity.SILU, false), image, image, perChannel, perChannel,
                Operand.range(-0.1, 0.1, 256), Operand.range(0.3, 0.4, 256)));
        put(all, "scale-shift-relu-add-56-256", Sample.of(new ScaleShift(Nonlinearity.RELU, true), image, perChannel, perChannel, image));
        put(all, "squeeze-excite-14-672", Sample.of(new SqueezeExcite(Nonlinearity.SILU), Operand.of(N, 14, 14, 672), Operand.range(-0.1, 0.1, 28, 672), Operand.of(28),
                Operand.of(672, 28), Operand.of(672)));
        put(all, "max-pool-3x3s2-112-64", Sample.of(new Pooling.MaxPool2d(3, 3, Window.of(2, 1)), Operand.distinct(N, 112, 112, 64)));
        put(all, "mean-7-2048", Sample.of(Reduction.Sum.over(1, 2), Operand.of(N, 7, 7, 2048)));
        put(all, "silu-1m", Sample.of(new Pointwise.Silu(), Operand.of(1 << 20)));
        put(all, "update-momentum-4m", Sample.of(new Update.SgdMomentum(0.9, 1e-4, false), update(3)));
        put(all, "update-rmsprop-4m", Sample.of(new Update.RmsProp(0.9, 0.01, 0.9, 1e-5, Update.RmsProp.Form.PYTORCH), update(4)));
    }

    private static void put(Map<String, Case> all, String name, Sample sample) {
        all.put(name, new Case(sample, -1));
    }

    /** Tensors of one parameter, positive since one of them is a mean of squares, and a learning rate. */
    private static Operand[] update(int tensors) {
        List<Operand> all = new ArrayList<>();
        for (int i = 0; i < tensors; i++) {
            all.add(Operand.range(0.1, 1, 1 << 22));
        }
        all.add(new Operand(TensorType.of(DType.F32), Operand.Fill.GIVEN, 0, 0, 0.1));
        return all.toArray(Operand[]::new);
    }
}
