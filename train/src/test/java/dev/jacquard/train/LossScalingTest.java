package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.LossScaling;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.tensor.random.Philox;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Scaled losses, steps that overflow and what they leave, in training steps as they are run. */
class LossScalingTest extends OnCpu {
    private static final int BATCH = 8;
    private static final int SIZE = 12;
    private static final LossScale PYTORCH = new LossScale(128, 2, 100, 0.5, 1, 0);
    /** Whatever is kept in F32 is exact under scales that are powers of 2. */
    private static final List<String> ALL = List.of("0", "1", "2", "3", "4", "5");
    private static final Update.Rule ADAM = new Update.Adam(0.9, 0.99, 1e-3, 1e-2, false);

    /** Multiplies by a number that is 1 until a test says otherwise: how gradients are made infinite, or tiny. */
    private static final class Gain extends Module {
        private final Variable gain = statistic("gain", Shape.scalar(), Initializer.constant(1));

        @Override
        protected Tensor forward(Tensor x) {
            return x.mul(x.context().read(gain));
        }
    }

    /** A state, a step of it, and batches that are a function of their number. */
    private static final class Run implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private final State state = new State(backend);
        private final TrainStep step;
        private final double lr;
        private long done;

        Run(TrainStep.Settings settings, Update.Rule rule, double lr) {
            Module net = Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), new BatchNorm2d(8), Activation.RELU.module(), new GlobalAvgPool2d(), new Gain(),
                    new Linear(8, 10));
            this.step = TrainStep.of(net, new Optimizer(rule), settings, state);
            this.lr = lr;
        }

        /** One step. @param batch which pictures @param gain what features are multiplied by, in this step only */
        void step(int batch, float gain) {
            state.set(state.variable("4.gain"), new float[] {gain});
            MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64);
            for (long i = 0; i < images.byteSize(); i++) {
                images.set(ValueLayout.JAVA_BYTE, i, (byte) Philox.word(batch, 1, 0, i));
            }
            step.feed(images, arena.allocateFrom(ValueLayout.JAVA_INT, batch % 10, 3, 1, 9 - batch % 10, 2, 7, 7, 0));
            step.compute(done++, lr); // and nothing is looked at
            step.commit();
            state.set(state.variable("4.gain"), new float[] {1});
        }

        void step(int batch) {
            step(batch, 1);
        }

        /** All of the state but the scale. */
        Map<String, float[]> left() {
            Map<String, float[]> all = new LinkedHashMap<>();
            state.variables().stream().filter(v -> !v.name().startsWith(LossScaler.SCALE)).forEach(v -> all.put(v.name(), state.get(v)));
            return all;
        }

        float[] value(String name) {
            return state.get(state.variable(name));
        }

        @Override
        public void close() {
            step.close();
            state.close();
            arena.close();
        }
    }

    private static TrainStep.Settings settings(LossScale scale, List<String> keep) {
        return new TrainStep.Settings(BATCH, SIZE, Normalization.IMAGENET, 0.1, 5).precision(new MixedPrecision(DType.F16, keep, scale));
    }

    private static void assertSame(Map<String, float[]> want, Map<String, float[]> got, String what) {
        assertEquals(want.keySet(), got.keySet());
        want.forEach((name, w) -> {
            for (int i = 0; i < w.length; i++) {
                assertEquals(Float.floatToRawIntBits(w[i]), Float.floatToRawIntBits(got.get(name)[i]), what + ": " + name + "[" + i + "]");
            }
        });
    }

    private static void assertMoved(Map<String, float[]> before, Map<String, float[]> after) {
        for (String name : List.of("0.weight", "1.running_mean", "1.running_var", "ema.0.weight", "ema.1.running_var", "optimizer.first_moment.5.weight")) {
            boolean same = java.util.Arrays.equals(before.get(name), after.get(name));
            assertFalse(same, name + " stays as it was");
        }
    }

    @Test
    void anInfinitySkipsExactlyOneUpdateAndHalvesTheScale() {
        for (Averaging.Cadence cadence : Averaging.Cadence.values()) {
            TrainStep.Settings s = settings(PYTORCH, List.of()).averaging(new Averaging(0.9, cadence, true)).clip(new ClipByGlobalNorm(0.5, ClipByGlobalNorm.Form.PYTORCH));
            try (Run run = new Run(s, ADAM, 0.01)) {
                run.step(0);
                Map<String, float[]> first = run.left();
                run.step(1);
                Map<String, float[]> before = run.left();
                assertMoved(first, before);
                assertEquals(new LossScaler.Reading(128, 0), run.step.scale());
                run.step(2, Float.POSITIVE_INFINITY);
                assertTrue(run.step.overflows() && !Float.isFinite(run.step.loss()), "the step was to overflow");
                assertSame(before, run.left(), "the skipped step");
                assertEquals(new LossScaler.Reading(64, 1), run.step.scale());
                run.step(3);
                assertFalse(run.step.overflows());
                assertMoved(before, run.left());
                assertEquals(new LossScaler.Reading(64, 1), run.step.scale());
            }
        }
    }

    /** The loss is a number still: nobody but the gradients knows. */
    @Test
    void aLossThatIsFiniteMayHaveGradientsThatAreNot() {
        try (Run run = new Run(settings(new LossScale(0x1p22, 2, 100, 0.5, 1, 0), List.of()), ADAM, 0.01)) {
            for (int i = 0; i < 12 && run.step.scale().skipped() == i; i++) {
                Map<String, float[]> before = run.left();
                run.step(i);
                assertTrue(Float.isFinite(run.step.loss()));
                if (run.step.overflows()) {
                    assertSame(before, run.left(), "skipped step " + i);
                }
            }
            LossScaler.Reading end = run.step.scale();
            assertTrue(end.skipped() > 1 && end.skipped() < 12, "first overflows, then fits: " + end);
            assertEquals(0x1p22 * Math.pow(0.5, end.skipped()), end.scale());
        }
    }

    /** Counts of updates, as Adam and the averages' warm-up have them, are those of updates that were made. */
    @Test
    void aRunWithSkippedStepsIsTheRunWithoutThem() {
        TrainStep.Settings s = settings(PYTORCH, ALL).averaging(new Averaging(0.9, Averaging.Cadence.UPDATE, true));
        try (Run bad = new Run(s, ADAM, 0.01); Run good = new Run(s, ADAM, 0.01)) {
            bad.step(9, Float.NaN);
            for (int i = 0; i < 4; i++) {
                bad.step(i);
                bad.step(i + 10, i % 2 == 0 ? Float.POSITIVE_INFINITY : Float.NaN);
                good.step(i);
                assertSame(good.left(), bad.left(), "after update " + i);
            }
            assertEquals(new LossScaler.Reading(4, 5), bad.step.scale());
            assertEquals(new LossScaler.Reading(128, 0), good.step.scale());
            assertArrayEquals(good.value("loss_scale.updates"), bad.value("loss_scale.updates"));
        }
    }

    /** Scaling by powers of 2 is exact, so that without overflow it is as if there were none. */
    @Test
    void scalingAloneChangesNothing() {
        TrainStep.Settings s = settings(new LossScale(1024, 2, 2, 0.5, 1, 0), ALL);
        Update.Rule sgd = new Update.SgdMomentum(0.9, 1e-3, true);
        try (Run scaled = new Run(s, sgd, 0.1); Run plain = new Run(s.precision(null), sgd, 0.1)) {
            for (int i = 0; i < 4; i++) {
                scaled.step(i);
                plain.step(i);
            }
            assertSame(plain.left(), scaled.left(), "scaled");
            assertEquals(new LossScaler.Reading(4096, 0), scaled.step.scale());
        }
    }

    private static double[] scales(LossScale scale, String steps) {
        try (Run run = new Run(settings(scale, List.of()), new Update.Sgd(0), 0.01)) {
            return steps.chars().mapToDouble(c -> {
                Map<String, float[]> before = run.left();
                run.step(1, c == '-' ? Float.POSITIVE_INFINITY : 1);
                assertEquals(c == '-', run.step.overflows());
                if (c == '-') {
                    assertSame(before, run.left(), "a bad step");
                }
                return run.step.scale().scale();
            }).toArray();
        }
    }

    @Test
    void thePublishedFormsFollowTheirRules() {
        assertArrayEquals(new double[] {128, 128, 256, 128, 64, 64, 64, 128}, scales(new LossScale(128, 2, 3, 0.5, 1, 0), "+++--+++"), "PyTorch");
        assertArrayEquals(new double[] {2, 1, 1, 1, 2, 1}, scales(new LossScale(4, 2, 1, 0.5, 1, 1), "----+-"), "Keras has a least one");
        assertArrayEquals(new double[] {128, 102.4f, 102.4f, 102.4f, 102.4f, 102.4f, 102.4f * 0.8f}, scales(new LossScale(128, 2, 1000, 0.8, 2, 1), "--+-+--"),
                "Paddle waits for two in a row");
        assertArrayEquals(new double[] {128, 128, 128, 128, 128}, scales(LossScale.fixed(128), "+--++"), "one that stays");
    }

    @Test
    void accumulatorsThatWerePoisonedAreCleanAfterTheNextUpdate() {
        TrainStep.Settings s = settings(PYTORCH, List.of()).accumulation(3).averaging(new Averaging(0.9, Averaging.Cadence.STEP, false));
        for (int bad = 0; bad < 3; bad++) {
            try (Run run = new Run(s, ADAM, 0.01)) {
                for (int i = 0; i < 3; i++) {
                    run.step(i);
                }
                Map<String, float[]> before = run.left();
                for (int i = 0; i < 3; i++) {
                    Map<String, float[]> last = run.left();
                    run.step(3 + i, i == bad ? Float.POSITIVE_INFINITY : 1);
                    Map<String, float[]> now = run.left();
                    assertEquals(i == bad || i == 2, run.step.overflows(), "micro-step " + i);
                    assertEquals(run.step.overflows(), java.util.Arrays.equals(last.get("1.running_mean"), now.get("1.running_mean")), "micro-step " + i);
                    assertEquals(run.step.overflows(), java.util.Arrays.equals(last.get("ema.1.running_mean"), now.get("ema.1.running_mean")), "micro-step " + i);
                }
                for (String name : List.of("0.weight", "5.bias", "optimizer.first_moment.0.weight", "optimizer.second_moment.5.bias")) {
                    assertArrayEquals(before.get(name), run.left().get(name), name);
                }
                assertEquals(bad < 2, !finite(run.value("accumulator.5.weight")), "bad micro-step " + bad);
                assertEquals(new LossScaler.Reading(64, 1), run.step.scale());
                for (int i = 0; i < 3; i++) {
                    run.step(6 + i);
                    assertFalse(run.step.overflows());
                }
                run.left().forEach((name, v) -> assertTrue(finite(v), name));
                assertFalse(java.util.Arrays.equals(before.get("0.weight"), run.value("0.weight")));
                assertEquals(new LossScaler.Reading(64, 1), run.step.scale());
            }
        }
    }

    private static boolean finite(float[] values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                return false;
            }
        }
        return true;
    }

    /** Gradients of the parameters, as a step that only adds up leaves them, without the scale. */
    private static float[] gradients(Run run, String of, double scale) {
        List<Variable> sums = run.state.variables().stream().filter(v -> v.name().startsWith("accumulator." + of)).toList();
        float[] all = new float[sums.stream().mapToInt(v -> (int) v.type().shape().size()).sum()];
        int at = 0;
        for (Variable v : sums) {
            for (float g : run.state.get(v)) {
                all[at++] = (float) (g / scale);
            }
        }
        return all;
    }

    private static double lost(float[] want, float[] got) {
        int there = 0;
        int lost = 0;
        for (int i = 0; i < want.length; i++) {
            there += want[i] != 0 ? 1 : 0;
            lost += want[i] != 0 && got[i] == 0 ? 1 : 0;
        }
        return (double) lost / there;
    }

    private static double error(float[] want, float[] got) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < want.length; i++) {
            difference += Math.pow(got[i] - want[i], 2);
            norm += Math.pow(want[i], 2);
        }
        return Math.sqrt(difference / norm);
    }

    /** Features that are multiplied by 2^-14 have gradients below F16's least number, 2^-24, at every pixel that they are a mean of. */
    @Test
    void withoutScalingAThirdOfTheGradientIsLostAndADynamicScaleBringsItBack() {
        float tiny = 0x1p-14f;
        TrainStep.Settings s = settings(new LossScale(1, 2, 1, 0.5, 1, 0), List.of()).accumulation(2);
        Update.Rule sgd = new Update.Sgd(0);
        try (Run exact = new Run(s.precision(null), sgd, 0); Run none = new Run(s.precision(new MixedPrecision(DType.F16, List.of(), null)), sgd, 0); Run scaled =
                new Run(s, sgd, 0)) {
            exact.step(1, tiny);
            none.step(1, tiny);
            double lost = lost(gradients(exact, "", 1), gradients(none, "", 1));
            assertTrue(lost >= 0.3, "lost without a scale: " + lost);
            while (scaled.step.scale().skipped() == 0) { // the scale grows until it overflows, and then is as large as it may be
                scaled.step(1, tiny);
                scaled.step(1, tiny);
                assertTrue(scaled.done < 100, "no scale overflows");
            }
            double scale = scaled.step.scale().scale();
            scaled.step(1, tiny);
            double left = lost(gradients(exact, "", 1), gradients(scaled, "", scale));
            assertTrue(left < 0.01, "lost with a scale of " + scale + ": " + left);
            double without = error(gradients(exact, "0.weight", 1), gradients(none, "0.weight", 1));
            double with = error(gradients(exact, "0.weight", 1), gradients(scaled, "0.weight", scale));
            assertTrue(with < 0.02 && without > 0.3, with + " with a scale of " + scale + ", without " + without);
        }
    }

    /** All of it is one sequence of launches, in which the flag is made before what reads it; nothing of the plan is fetched by {@link Run#step}. */
    @Test
    void theFlagIsMadeAndReadOnTheDevice() {
        try (Run run = new Run(settings(PYTORCH, List.of()).averaging(new Averaging(0.9, Averaging.Cadence.STEP, false)), ADAM, 0.01)) {
            run.step(0);
            List<Op> ops = run.step.plan().steps().stream().map(Plan.Step::op).toList();
            int unscale = ops.indexOf(new LossScaling.Unscale());
            assertNotEquals(-1, unscale);
            long rules = 0;
            for (int i = 0; i < ops.size(); i++) {
                if (ops.get(i) instanceof Update.Rule || ops.get(i) instanceof Update.FusedUpdate) {
                    Update.Rule rule = ops.get(i) instanceof Update.FusedUpdate f ? f.rule() : (Update.Rule) ops.get(i);
                    assertTrue(i > unscale && rule instanceof Update.ExtendedUpdate e && e.skip(), ops.get(i).toString());
                    rules++;
                }
            }
            assertTrue(rules > 0 && rules <= 4, rules + " launches of updates");
        }
    }

    @Test
    void bf16HasNoScale() {
        TrainStep.Settings s = settings(null, List.of()).precision(new MixedPrecision(DType.BF16, List.of(), null));
        try (Run run = new Run(s, ADAM, 0.01)) {
            run.step(0);
            assertEquals(null, run.step.scale());
            assertFalse(run.step.overflows());
            assertTrue(run.state.variables().stream().noneMatch(v -> v.name().startsWith(LossScaler.SCALE)));
        }
    }
}
