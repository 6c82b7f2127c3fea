package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Sequential;
import dev.jacquard.mixedprecision.LossScale;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import dev.jacquard.train.Averaging;
import dev.jacquard.train.TrainStep;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Steps with a loss scale, some of which overflow, on an emulated device: what is skipped stays bit for bit, and scale and counts are those of the CPU. */
class LossScalingOnTheEmulatorTest {
    private static final int BATCH = 4;
    private static final int SIZE = 8;
    private static final int STEPS = 5;
    /** So large a scale that the first steps overflow, in F16 by far and in F32 at its very end; one bad step of two is forgiven. */
    private static final Map<DType, LossScale> SCALES = Map.of(DType.F16, new LossScale(0x1p23, 2, 2, 0.25, 1, 1), DType.F32, new LossScale(0x1.8p127, 2, 2, 0.0078125, 2, 1));

    /** @param type of the products; F32 for that of all modules */
    private static List<Map<String, float[]>> train(String device, DType type, int accumulation) {
        Module net = Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), new BatchNorm2d(8), Activation.RELU.module(), new GlobalAvgPool2d(), new Linear(8, 10));
        List<String> keep = type == DType.F32 ? List.of("0", "1", "2", "3", "4") : List.of();
        TrainStep.Settings settings = new TrainStep.Settings(BATCH, SIZE, Normalization.IMAGENET, 0.1, 7).accumulation(accumulation)
                .averaging(new Averaging(0.9, Averaging.Cadence.UPDATE, true)).precision(new MixedPrecision(DType.F16, keep, SCALES.get(type)));
        List<Map<String, float[]>> left = new ArrayList<>();
        try (Backend backend = Backends.open(device, BackendOptions.DEFAULT.threads(2).tf32(BackendOptions.Tf32.OFF)); State state = new State(backend);
                TrainStep step = TrainStep.of(net, new Optimizer(new Update.Adam(0.9, 0.99, 1e-1, 1e-2, false)), settings, state); Arena arena = Arena.ofConfined()) {
            state.set(state.variable("4.weight"), scaled(state.get(state.variable("4.weight")), type == DType.F32 ? 100 : 1)); // so that there is a scale that overflows
            for (int n = 0; n < STEPS * accumulation; n++) {
                MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64);
                for (long i = 0; i < images.byteSize(); i++) {
                    images.set(ValueLayout.JAVA_BYTE, i, (byte) Philox.word(n, 1, 0, i));
                }
                step.feed(images, arena.allocateFrom(ValueLayout.JAVA_INT, n % 10, 3, 1, 9 - n % 10));
                step.compute(n, 0.02);
                step.commit();
                if (settings.updates(n)) {
                    backend.synchronize();
                    Map<String, float[]> now = new LinkedHashMap<>();
                    state.variables().forEach(v -> now.put(v.name(), state.get(v)));
                    left.add(now);
                }
            }
        }
        return left;
    }

    private static float[] scaled(float[] values, float by) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= by;
        }
        return values;
    }

    private static void compare(DType type, int accumulation, double tolerance) {
        List<Map<String, float[]>> want = train("cpu", type, accumulation);
        List<Map<String, float[]>> got = train("emulator", type, accumulation);
        int skipped = 0;
        for (int u = 0; u < STEPS; u++) {
            Map<String, float[]> now = got.get(u);
            for (String exact : List.of("loss_scale", "loss_scale.streak", "loss_scale.skipped", "loss_scale.updates")) {
                assertArrayEquals(want.get(u).get(exact), now.get(exact), exact + " after update " + u);
            }
            boolean bad = now.get("loss_scale.skipped")[0] > skipped;
            skipped = (int) now.get("loss_scale.skipped")[0];
            for (String name : now.keySet()) {
                boolean free = name.startsWith("loss_scale") || name.startsWith("accumulator.") || accumulation > 1 && name.contains("running_");
                if (bad && u > 0 && !free) {
                    assertArrayEquals(got.get(u - 1).get(name), now.get(name), name + " after update " + u + ", which was skipped");
                } else if (!bad) {
                    near(want.get(u).get(name), now.get(name), tolerance, name + " after update " + u);
                }
            }
        }
        assertEquals(true, skipped > 1 && skipped < STEPS, skipped + " updates skipped");
        assertFalse(java.util.Arrays.equals(got.getFirst().get("0.weight"), got.getLast().get("0.weight")));
    }

    private static void near(float[] want, float[] got, double tolerance, String what) {
        double scale = 1e-3;
        for (float x : want) {
            scale = Math.max(scale, Math.abs(x));
        }
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], tolerance * scale, what + "[" + i + "]");
        }
    }

    @Test
    void scalesOfF32() {
        compare(DType.F32, 1, 1e-4);
    }

    @Test
    void scalesOfF16() {
        compare(DType.F16, 1, 2e-2);
    }

    @Test
    void sumsOfF16() {
        compare(DType.F16, 2, 2e-2);
    }
}
