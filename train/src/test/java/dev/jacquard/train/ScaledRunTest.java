package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.mixedprecision.LossScale;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DivergedException;
import dev.jacquard.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Runs with a loss scale: what they log, and when they give up. */
class ScaledRunTest extends OnCpu {
    /** Overflows whatever the scale is. */
    private static Module hopeless() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), new GlobalAvgPool2d(), new Module() {
            @Override
            protected Tensor forward(Tensor x) {
                return x.mul(1e4).mul(1e4).mul(1e4);
            }
        }, new Linear(8, 10));
    }

    private static TrainConfig config(int epochs) {
        return TinyRun.config(epochs).with("amp", "fp16");
    }

    @Test
    void aModuleThatActsInTrainingOnlyMayBeKeptInF32() throws IOException {
        try (TinyRun run = new TinyRun(folder.resolve("dropout"), backend, config(1).with("amp-keep", "4"), TinyRun.net())) {
            assertEquals(Ending.EPOCHS, run.trainer.fit().ended());
        }
        CallerException e = assertThrows(CallerException.class, () -> new TinyRun(folder.resolve("none"), backend, config(1).with("amp-keep", "4,6"), TinyRun.net()));
        assertTrue(e.getMessage().contains("got 6"), e.getMessage());
    }

    @Test
    void updatesThatOverflowAreSkippedAndLogged() throws IOException {
        List<String> told = new ArrayList<>();
        Outcome outcome;
        try (TinyRun run = new TinyRun(folder.resolve("a"), backend, config(3).with("loss-scale", 0x1p22).with("log-steps", 2), TinyRun.net())) {
            run.trainer.listen(new TrainListener() {
                @Override
                public void skipped(long step, double scale, int skipped) {
                    told.add(step + ": " + skipped + " " + scale);
                }
            });
            outcome = run.trainer.fit();
        }
        assertEquals(Ending.EPOCHS, outcome.ended());
        List<RunLog.Line> lines = RunLog.lines(folder.resolve("a/log.jsonl"));
        RunLog.Line last = lines.getLast();
        assertTrue(last.skipped() > 0 && last.skipped() < 3 * TinyRun.STEPS, last.toString());
        assertEquals(last.skipped(), outcome.skipped_updates());
        assertEquals(0x1p22 / Math.pow(2, last.skipped()), last.loss_scale());
        lines.forEach(l -> assertTrue(l.loss_scale() != null && l.skipped() != null, l.toString()));
        assertTrue(told.getLast().endsWith(": " + last.skipped() + " " + last.loss_scale()), told.toString());
        assertEquals(lines.stream().filter(l -> l.event().equals("step")).map(RunLog.Line::skipped).filter(n -> n > 0).distinct().count(), told.size(), "told when it is news");
        assertTrue(Files.readString(folder.resolve("a/curves.html")).contains("Loss scale"));
    }

    @Test
    void aRunWithoutScaleDoesNotSpeakOfIt() throws IOException {
        for (TrainConfig c : List.of(TinyRun.config(1), config(1).with("amp", "bf16"), config(1).with("loss-scaling", "off"))) {
            Path path = folder.resolve(c.precision().amp() + "-" + c.precision().lossScaling());
            try (TinyRun run = new TinyRun(path, backend, c, TinyRun.net())) {
                assertNull(run.trainer.fit().skipped_updates());
                assertNull(run.trainer.state().variable(LossScaler.SCALE));
            }
            String log = Files.readString(path.resolve("log.jsonl"));
            assertFalse(log.contains("loss_scale") || log.contains("skipped"), log);
            assertFalse(Files.readString(path.resolve("curves.html")).contains("Loss scale"));
        }
    }

    private DivergedException diverges(String name, TrainConfig config) {
        try (TinyRun run = new TinyRun(folder.resolve(name), backend, config.with("training-only", true), hopeless())) {
            return assertThrows(DivergedException.class, run.trainer::fit);
        }
    }

    @Test
    void aScaleThatCannotShrinkAnyMoreIsADivergence() {
        // 128 is 2^7: after 21 skipped updates it is 2^-14, and the next bad step is one too many.
        String text = diverges("shrinks", config(5)).getMessage();
        assertTrue(text.startsWith("step 22: the loss is not a number") && text.contains("the loss scale has shrunk to 6.103515625e-5, after 21 skipped updates")
                && text.contains("first bad value: ")
                && text.contains("checkpoint") && text.indexOf('\n') < 0, text);
        text = diverges("minimum", config(5).with("loss-scale-minimum", 32)).getMessage();
        assertTrue(text.startsWith("step 3: ") && text.contains("shrunk to 32, after 2 skipped updates"), text);
        text = diverges("f32", TinyRun.config(5).with("amp", "bf16").with("lr", 1e30)).getMessage();
        assertTrue(text.contains("the loss is not a number") && !text.contains("loss scale"), text);
    }

    @Test
    void theMeanOfAnEpochLeavesSkippedLossesOut() throws IOException {
        try (TinyRun run = new TinyRun(folder.resolve("b"), backend, config(2).with("training-only", true).with("loss-scaling", "static"), hopeless())) {
            run.trainer.fit(); // skips all of its 12 updates
        }
        RunLog.Line last = RunLog.lines(folder.resolve("b/log.jsonl")).getLast();
        assertNull(last.train_loss(), "there is no finite loss to take the mean of");
        assertEquals(List.of(128.0, 2 * TinyRun.STEPS), List.of(last.loss_scale(), last.skipped()));
        RunningLoss mean = new RunningLoss();
        for (float loss : new float[] {1, Float.NaN, 3, Float.POSITIVE_INFINITY}) {
            mean.add(loss);
        }
        assertEquals(List.of(2.0, 4.0, 2.0), List.of(mean.recent(), mean.epoch(), (double) mean.leftOut()));
        mean.line();
        mean.add(5);
        assertEquals(List.of(5.0, 9.0), List.of(mean.recent(), mean.epoch()));
    }

    @Test
    void theLogHasTheScaleAsItIs() throws IOException {
        Path file = folder.resolve("log.jsonl");
        List<Double> scales = List.of(0x1p-14, (double) (128 * 0.8f), 0x1p40, 0x1p100);
        try (RunLog log = RunLog.open(file, 0, false)) {
            for (double scale : scales) {
                log.append(RunLog.Line.step(1, 1, 2, 0.1, 3, 4).scaled(new LossScaler.Reading(scale, 5)));
            }
        }
        assertEquals(scales, RunLog.lines(file).stream().map(RunLog.Line::loss_scale).toList());
    }

    @Test
    void skippingWithoutEndIsADivergence() {
        ScaleWatch watch = new ScaleWatch(new MixedPrecision(DType.F16, List.of(), LossScale.fixed(128)), 2);
        assertTrue(watch.judge(new LossScaler.Reading(128, 0), 20).isEmpty());
        assertTrue(watch.judge(new LossScaler.Reading(128, ScaleWatch.MOST_IN_A_ROW - 1), 20 + 2 * (ScaleWatch.MOST_IN_A_ROW - 1)).isEmpty());
        assertTrue(watch.judge(new LossScaler.Reading(128, ScaleWatch.MOST_IN_A_ROW), 20 + 2 * ScaleWatch.MOST_IN_A_ROW).orElseThrow()
                .contains("the last 200 updates were skipped"));
        assertTrue(watch.judge(new LossScaler.Reading(128, ScaleWatch.MOST_IN_A_ROW), 22 + 2 * ScaleWatch.MOST_IN_A_ROW).isEmpty(), "one that succeeded");
        ScaleWatch shrinking = new ScaleWatch(new MixedPrecision(DType.F16, List.of(), LossScale.pytorch()), 1);
        assertTrue(shrinking.judge(new LossScaler.Reading(0x1p-14, 30), 40).isEmpty());
        assertTrue(shrinking.judge(new LossScaler.Reading(0x1p-15, 31), 41).isPresent());
    }

    @Test
    void settingsBecomeAScale() {
        assertNull(Experiment.precision(TinyRun.config(1)));
        assertNull(Experiment.precision(config(1).with("amp", "bf16")).scale());
        assertNull(Experiment.precision(config(1).with("loss-scaling", "off")).scale());
        assertEquals(LossScale.fixed(64), Experiment.precision(config(1).with("loss-scaling", "static").with("loss-scale", 64)).scale());
        assertEquals(new LossScale(128, 2, 100, 0.5, 1, 0), Experiment.precision(Recipes.get("pytorch/resnet50/a100-amp-90e")).scale());
        assertEquals(new LossScale(128, 2, 1000, 0.8, 2, 1), Experiment.precision(Recipes.get("paddle/resnet50/amp-90e")).scale());
        String keras = Recipes.names().stream().filter(n -> n.startsWith("tensorflow/") && n.contains("amp")).findFirst().orElseThrow();
        assertEquals(LossScale.keras(), Experiment.precision(Recipes.get(keras)).scale());
        assertThrows(CallerException.class, () -> config(1).with("loss-scale-minimum", 256).validate());
        assertThrows(CallerException.class, () -> config(1).with("loss-scale-growth", 0.5));
        assertThrows(CallerException.class, () -> config(1).with("loss-scale-interval", 1 << 24));
    }
}
