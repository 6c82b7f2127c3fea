package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Averages of weights and running statistics beside them, against the formula computed by hand from the weights that each step leaves. */
class AveragingTest extends OnCpu {
    private static final int BATCH = 8;
    private static final int SIZE = 12;
    private static final int STEPS = 20;

    private static void check(Averaging averaging, int accumulation) {
        Module net = TinyRun.net();
        TrainStep.Settings settings = new TrainStep.Settings(BATCH, SIZE, Normalization.IMAGENET, 0.1, 5).accumulation(accumulation).averaging(averaging);
        try (State state = new State(backend); TrainStep step = TrainStep.of(net, new Optimizer(new Update.SgdMomentum(0.9, 0, false)), settings, state); Arena arena =
                Arena.ofConfined()) {
            Map<Variable, double[]> hand = new LinkedHashMap<>();
            for (Variable v : net.variables().values()) {
                hand.put(v, doubles(state.get(v)));
                assertArrayEquals(state.get(v), state.get(average(state, v)), "begins as a copy: " + v);
            }
            MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64);
            MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, BATCH);
            long updates = 0;
            for (int n = 0; n < STEPS; n++) {
                for (long i = 0; i < images.byteSize(); i++) {
                    images.set(ValueLayout.JAVA_BYTE, i, (byte) Philox.word(n, 1, 0, i));
                }
                step.feed(images, labels);
                step.compute(n, 0.3);
                assertTrue(Float.isFinite(step.loss()));
                step.commit();
                boolean update = n % accumulation == accumulation - 1;
                updates += update ? 1 : 0;
                if (update || averaging.cadence() == Averaging.Cadence.STEP) {
                    long t = averaging.cadence() == Averaging.Cadence.STEP ? n : updates;
                    double d = averaging.warmUp() ? Math.min(averaging.decay(), (1.0 + t) / (10 + t)) : averaging.decay();
                    hand.forEach((v, a) -> move(a, state.get(v), d));
                }
                hand.forEach((v, a) -> close(a, state.get(average(state, v)), v.name()));
            }
            for (Variable v : net.parameters()) {
                assertTrue(largestDifference(doubles(state.get(v)), state.get(average(state, v))) > 1e-4, "the average of " + v + " is the last value: the test tests nothing");
            }
        }
    }

    private static Variable average(State state, Variable v) {
        return state.variable("ema." + v.name());
    }

    private static double[] doubles(float[] values) {
        double[] d = new double[values.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = values[i];
        }
        return d;
    }

    private static void move(double[] average, float[] value, double d) {
        for (int i = 0; i < average.length; i++) {
            average[i] = d * average[i] + (1 - d) * value[i];
        }
    }

    private static double largestDifference(double[] a, float[] b) {
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }

    private static void close(double[] want, float[] got, String name) {
        double scale = 0;
        for (double w : want) {
            scale = Math.max(scale, Math.abs(w));
        }
        assertEquals(0, largestDifference(want, got), 1e-6 * Math.max(scale, 1e-3), name);
    }

    @Test
    void everyStepWithWarmUp() {
        check(new Averaging(0.6, Averaging.Cadence.STEP, true), 1); // reaches 0.6 at t = 13
    }

    @Test
    void everyStepOfAnAccumulationAsInPyTorch() {
        check(new Averaging(0.5, Averaging.Cadence.STEP, true), 4);
    }

    @Test
    void everyUpdateAsInTensorFlow() {
        check(new Averaging(0.3, Averaging.Cadence.UPDATE, true), 4);
        check(new Averaging(0.9, Averaging.Cadence.UPDATE, true), 1);
    }

    @Test
    void withoutWarmUp() {
        check(new Averaging(0.9, Averaging.Cadence.UPDATE, false), 2);
    }

    @Test
    void warmUpIsOfNvidiasFormula() {
        assertEquals(0.1, new Averaging(0.9999, Averaging.Cadence.STEP, true).decay(0, 4));
        assertEquals(2.0 / 11, new Averaging(0.9999, Averaging.Cadence.UPDATE, true).decay(3, 4));
        assertEquals(0.9999, new Averaging(0.9999, Averaging.Cadence.STEP, true).decay(1_000_000, 1));
        assertThrows(CallerException.class, () -> new Averaging(1, Averaging.Cadence.STEP, true));
    }
}
