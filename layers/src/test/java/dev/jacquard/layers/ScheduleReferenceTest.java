package dev.jacquard.layers;

import static dev.jacquard.layers.LearningRate.Convention.NVIDIA_PYTORCH;
import static dev.jacquard.layers.LearningRate.Convention.PADDLE;
import static dev.jacquard.layers.LearningRate.Convention.PER_STEP;
import static dev.jacquard.layers.LearningRate.Convention.TENSORFLOW;
import static dev.jacquard.layers.LearningRate.Curve.CONSTANT;
import static dev.jacquard.layers.LearningRate.Curve.COSINE;
import static dev.jacquard.layers.LearningRate.Curve.EXPONENTIAL;
import static dev.jacquard.layers.LearningRate.Curve.LINEAR;
import static dev.jacquard.layers.LearningRate.Curve.LINEAR_COSINE;
import static dev.jacquard.layers.LearningRate.Curve.PIECEWISE;
import static dev.jacquard.layers.LearningRate.Curve.STEP;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.jacquard.tensor.CallerException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every step's rate of every schedule, against PyTorch's schedulers and the published systems' formulas (see src/test/scripts), to 1e-6 relative. */
class ScheduleReferenceTest {
    private static final Map<String, Schedule> SCHEDULES = schedules();

    private static Map<String, Schedule> schedules() {
        Map<String, Schedule> all = new LinkedHashMap<>();
        all.put("torch multistep", LearningRate.of(STEP, NVIDIA_PYTORCH, 1.6, 90).schedule(2));
        all.put("torch cosine", LearningRate.of(COSINE, NVIDIA_PYTORCH, 1.6, 50).end(0.02).schedule(3));
        all.put("torch linear", LearningRate.of(LINEAR, NVIDIA_PYTORCH, 1.6, 50).schedule(3));
        all.put("torch staircase", LearningRate.of(EXPONENTIAL, NVIDIA_PYTORCH, 1.6, 50).decay(0.97, 3).schedule(2));
        all.put("nvidia step", LearningRate.of(STEP, NVIDIA_PYTORCH, 0.256, 90).warmup(5).schedule(2));
        all.put("nvidia linear", LearningRate.of(LINEAR, NVIDIA_PYTORCH, 2.048, 50).warmup(8).schedule(3));
        all.put("nvidia cosine", LearningRate.of(COSINE, NVIDIA_PYTORCH, 0.08, 400).warmup(16).end(0.01).schedule(1));
        all.put("nvidia exponential", LearningRate.of(EXPONENTIAL, NVIDIA_PYTORCH, 1.024, 60).warmup(8).decay(0.9, 3).schedule(2));
        all.put("tensorflow cosine", LearningRate.of(COSINE, TENSORFLOW, 0.32, 50).warmup(5).schedule(10));
        all.put("tensorflow staircase", LearningRate.of(EXPONENTIAL, TENSORFLOW, 0.128, 50).warmup(5).schedule(10));
        all.put("tensorflow linear cosine", LearningRate.of(LINEAR_COSINE, TENSORFLOW, 0.16, 50).warmup(5).schedule(10));
        all.put("tensorflow piecewise", LearningRate.of(PIECEWISE, TENSORFLOW, LrScaling.BATCH_256.scaled(0.1, 512, 8), 90).warmup(5).schedule(4));
        all.put("paddle cosine", LearningRate.of(COSINE, PADDLE, LrScaling.TRAINERS.scaled(0.256, 2048, 8), 50).warmup(5).warmupStart(0.1).schedule(7));
        all.put("ours cosine", LearningRate.of(COSINE, PER_STEP, 0.8, 20).warmup(1.5).end(0.01).schedule(9));
        return all;
    }

    @TestFactory
    Stream<DynamicTest> schedulesAreTheSystems() {
        Map<String, double[]> want = Fixture.lines("schedules.csv").stream().collect(Collectors.toMap(l -> l[0], l -> Fixture.numbers(l, 1)));
        assertEquals(want.keySet(), SCHEDULES.keySet());
        return SCHEDULES.entrySet().stream().map(e -> dynamicTest(e.getKey(), () -> {
            double[] rates = want.get(e.getKey());
            for (int t = 0; t < rates.length; t++) {
                double got = e.getValue().lr(t);
                // PyTorch's schedulers multiply from epoch to epoch, and LinearLR may not end in 0, hence the 1e-9 of the peak.
                assertTrue(Math.abs(got - rates[t]) <= 1e-6 * Math.abs(rates[t]) + 1e-9 * rates[0], "step " + t + ": " + got + ", want " + rates[t]);
            }
        }));
    }

    @Test
    void ratesAreScaledAsEachSystemDoes() {
        assertEquals(2.048, LrScaling.NONE.scaled(2.048, 2048, 8));
        assertEquals(0.32, LrScaling.BATCH_128.scaled(0.005, 8192, 8), 1e-15); // EfficientNet-B0 on eight A100
        assertEquals(2.048, LrScaling.TRAINERS.scaled(0.256, 1, 8), 1e-15);
        assertEquals(0.8, LrScaling.BATCH_256.scaled(0.1, 2048, 8), 1e-15);
    }

    @Test
    void aScheduleMayBeAllWarmUp() {
        Schedule s = LearningRate.of(COSINE, TENSORFLOW, 1, 2).warmup(2).schedule(5);
        assertEquals(0.9, s.lr(9), 1e-15);
        assertEquals(0, s.lr(10));
        assertEquals(0.5, LearningRate.of(CONSTANT, PER_STEP, 0.5, 1).schedule(1).lr(99));
    }

    @Test
    void nonsenseIsRefused() {
        assertThrows(CallerException.class, () -> LearningRate.of(COSINE, NVIDIA_PYTORCH, 1, 10).warmup(0.5));
        assertThrows(CallerException.class, () -> LearningRate.of(COSINE, PER_STEP, -1, 10));
        assertThrows(CallerException.class, () -> LearningRate.of(PIECEWISE, TENSORFLOW, 1, 10).multipliers(List.of(1.0)).schedule(1));
        assertThrows(CallerException.class, () -> LearningRate.of(EXPONENTIAL, TENSORFLOW, 1, 10).decay(0.9, 0).schedule(1));
    }

    @Test
    void curvesEndWithTheRunWhereUpdatesLieAcrossEpochs() {
        Schedule s = LearningRate.of(COSINE, PER_STEP, 1, 4).schedule(1.5); // 6 updates
        assertEquals(0.25, s.lr(4), 1e-12);
        assertTrue(s.lr(5) > 0 && s.lr(6) == 0);
    }
}
