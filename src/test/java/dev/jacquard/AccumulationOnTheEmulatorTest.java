package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.data.Mixer;
import dev.jacquard.data.Mixing;
import dev.jacquard.data.Normalization;
import dev.jacquard.data.Position;
import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Sequential;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import dev.jacquard.train.Averaging;
import dev.jacquard.train.TrainStep;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Steps whose plans take turns in one arena, with averages, mixing and clipping, leave on an emulated device what they leave on the CPU. */
class AccumulationOnTheEmulatorTest {
    private static final int BATCH = 4;
    private static final int SIZE = 16;
    private static final int STEPS = 6;
    private static final TrainStep.Settings SETTINGS = new TrainStep.Settings(BATCH, SIZE, Normalization.IMAGENET, 0.1, 7).mixed(true).accumulation(3)
            .averaging(new Averaging(0.9, Averaging.Cadence.STEP, true)).clip(new ClipByGlobalNorm(0.5, ClipByGlobalNorm.Form.PYTORCH));

    private static Map<String, float[]> train(String device) {
        Module net = Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), new BatchNorm2d(8), Activation.SILU.module(), new GlobalAvgPool2d(), new Linear(8, 10));
        Optimizer optimizer = new Optimizer(new Update.RmsProp(0.9, 1e-2, 0.9, 1e-4, Update.RmsProp.Form.PYTORCH));
        Map<String, float[]> left = new LinkedHashMap<>();
        try (Backend backend = Backends.open(device, BackendOptions.DEFAULT.threads(2).tf32(BackendOptions.Tf32.OFF)); State state = new State(backend); TrainStep step =
                TrainStep.of(net, optimizer, SETTINGS, state);
                Mixer mixer = new Mixer(new Mixing(0.4, 1, Mixing.Form.TENSORFLOW), BATCH, SIZE, SIZE, 3); Arena arena = Arena.ofConfined()) {
            float[] losses = new float[STEPS];
            for (int n = 0; n < STEPS; n++) {
                MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64);
                for (long i = 0; i < images.byteSize(); i++) {
                    images.set(ValueLayout.JAVA_BYTE, i, (byte) Philox.word(n, 1, 0, i));
                }
                MemorySegment labels = arena.allocateFrom(ValueLayout.JAVA_INT, n, 3, 1, 9 - n);
                mixer.draw(new Position(0, n), labels);
                step.feed(images, labels, mixer);
                step.compute(n, 0.02);
                losses[n] = step.loss();
                step.commit();
            }
            left.put("losses", losses);
            backend.synchronize();
            for (Variable v : state.variables()) {
                left.put(v.name(), state.get(v));
            }
        }
        return left;
    }

    @Test
    void theEmulatedDeviceAgreesWithTheCpu() {
        Map<String, float[]> want = train("cpu");
        Map<String, float[]> got = train("emulator");
        assertEquals(want.keySet(), got.keySet());
        want.forEach((name, w) -> {
            double scale = 1e-3;
            for (float x : w) {
                scale = Math.max(scale, Math.abs(x));
            }
            for (int i = 0; i < w.length; i++) {
                assertEquals(w[i], got.get(name)[i], 1e-4 * scale, name + "[" + i + "]");
            }
        });
    }
}
