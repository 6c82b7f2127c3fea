package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Initializers;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Sequential;
import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Gradients of several batches make one update. */
class AccumulationTest extends OnCpu {
    private static final int SIZE = 12;
    private static final long IMAGE = SIZE * SIZE * 3L;
    private static final int UPDATES = 3;
    private static final Update.Rule SGD = new Update.SgdMomentum(0.9, 1e-2, true);
    /** Counts its updates. The large epsilon keeps it from blowing up rounding errors of gradients near 0. */
    private static final Update.Rule ADAM = new Update.Adam(0.9, 0.99, 1e-1, 1e-2, false);

    /** Without a normalisation, whose statistics are those of the batches. */
    private static Module net() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), Activation.RELU.module(), new GlobalAvgPool2d(), new Linear(8, 10));
    }

    /** Batch normalisation as in evaluation: by the running statistics, which stay; weight and bias are learnt. */
    private static final class FrozenNorm extends Module {
        private final Variable weight;
        private final Variable bias;
        private final Variable mean;
        private final Variable variance;

        FrozenNorm(long channels) {
            Shape c = Shape.of(channels);
            weight = parameter("weight", c, Initializer.constant(1));
            bias = parameter("bias", c, Initializer.ZEROS);
            mean = statistic("running_mean", c, Initializers.uniform(0.5));
            variance = statistic("running_var", c, Initializer.constant(0.7f));
        }

        @Override
        protected Tensor forward(Tensor x) {
            Context c = x.context();
            Tensor scale = c.read(weight).mul(c.read(variance).add(1e-5).rsqrt());
            return x.mulAdd(scale, c.read(bias).sub(c.read(mean).mul(scale)));
        }
    }

    private static Module frozen() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), new FrozenNorm(8), Activation.RELU.module(), new GlobalAvgPool2d(), new Linear(8, 10));
    }

    private static int pixel(long i) {
        return Philox.word(1, 1, 0, i) & 0xff;
    }

    /** What some updates of 32 pictures each leave: losses of all steps, and all variables of the state by name. */
    private record Left(List<Float> losses, List<Variable> variables, List<float[]> values) {
        float[] value(String name) {
            for (int i = 0; i < variables.size(); i++) {
                if (variables.get(i).name().equals(name)) {
                    return values.get(i);
                }
            }
            throw new AssertionError(name);
        }
    }

    private static Left train(Module net, int accumulation) {
        return train(net, accumulation, SGD);
    }

    private static Left train(Module net, int accumulation, Update.Rule rule) {
        int batch = 32 / accumulation;
        TrainStep.Settings settings = new TrainStep.Settings(batch, SIZE, Normalization.IMAGENET, 0.1, 5).accumulation(accumulation);
        try (State state = new State(backend); TrainStep step = TrainStep.of(net, new Optimizer(rule), settings, state); Arena arena = Arena.ofConfined()) {
            MemorySegment images = arena.allocate(32 * IMAGE * UPDATES, 64);
            for (long i = 0; i < images.byteSize(); i++) {
                images.set(ValueLayout.JAVA_BYTE, i, (byte) pixel(i));
            }
            MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, 32 * UPDATES);
            for (int i = 0; i < 32 * UPDATES; i++) {
                labels.setAtIndex(ValueLayout.JAVA_INT, i, i * 7 % 10);
            }
            List<Float> losses = new ArrayList<>();
            for (int n = 0; n < UPDATES * accumulation; n++) {
                step.feed(images.asSlice(n * batch * IMAGE, batch * IMAGE), labels.asSlice(4L * n * batch, 4L * batch));
                step.compute(n, settings.updates(n) ? 0.5 / (1 + n / accumulation) : Double.NaN);
                losses.add(step.loss());
                step.commit();
            }
            return new Left(losses, state.variables(), state.variables().stream().map(state::get).toList());
        }
    }

    @Test
    void fourTimesEightAreThirtyTwo() {
        agree(train(net(), 1), train(net(), 4));
    }

    @Test
    void fourTimesEightAreThirtyTwoWithNormalisationsByRunningStatistics() {
        agree(train(frozen(), 1), train(frozen(), 4));
    }

    @Test
    void anOptimizerThatCountsCountsUpdates() {
        agree(train(net(), 1, ADAM), train(net(), 4, ADAM));
    }

    private static void agree(Left whole, Left parts) {
        for (int u = 0; u < UPDATES; u++) {
            double mean = parts.losses.subList(4 * u, 4 * u + 4).stream().mapToDouble(Float::doubleValue).average().orElseThrow();
            assertEquals(whole.losses.get(u), mean, 1e-6 * mean, "loss of update " + u);
        }
        assertTrue(Math.abs(whole.losses.getLast() - whole.losses.getFirst()) > 1e-3, () -> "nothing changes: " + whole.losses);
        for (Variable v : whole.variables) {
            assertArrayEquals(whole.value(v.name()), parts.value(v.name()), (float) (1e-6 * scale(whole, v)), v.name());
        }
    }

    /** The largest value of a variable; of a slot that of all slots: it is a gradient, and one that nearly cancels is no more exact than the others are. */
    private static double scale(Left left, Variable v) {
        return left.variables.stream().filter(o -> o == v || v.role() == Variable.Role.SLOT && o.role() == v.role()).map(o -> left.value(o.name()))
                .mapToDouble(AccumulationTest::largest).max().orElseThrow();
    }

    private static double largest(float[] values) {
        double max = 0;
        for (float x : values) {
            max = Math.max(max, Math.abs(x));
        }
        return max;
    }

    @Test
    void accumulatorsAreThereOnlyWhenNeeded() {
        assertTrue(train(net(), 1).variables.stream().noneMatch(v -> v.name().startsWith("accumulator.")));
        List<String> sums = train(net(), 2).variables.stream().map(Variable::name).filter(n -> n.startsWith("accumulator.")).toList();
        assertEquals(net().parameters().stream().map(p -> "accumulator." + p.name()).toList(), sums);
    }

    /** A normalisation of the pixels themselves, whose statistics no parameter has a share in. */
    @Test
    void statisticsMoveWithEveryStep() {
        float[] got = train(Sequential.of(new BatchNorm2d(3), new GlobalAvgPool2d(), new Linear(3, 10)), 4).value("0.running_mean");
        double[] want = new double[3];
        for (int n = 0; n < 4 * UPDATES; n++) {
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (long i = n * 8 * IMAGE + c; i < (n + 1) * 8 * IMAGE; i += 3) {
                    sum += pixel(i) / 255.0;
                }
                double mean = (sum / (8 * SIZE * SIZE) - Normalization.IMAGENET.mean()[c]) / Normalization.IMAGENET.std()[c];
                want[c] = 0.9 * want[c] + 0.1 * mean;
            }
        }
        for (int c = 0; c < 3; c++) {
            assertEquals(want[c], got[c], 1e-5, "channel " + c);
        }
    }
}
