package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.Loader;
import dev.jacquard.layers.Activation;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** When runs end, what they call the best, and which weights they leave. */
class EndingTest extends OnCpu {
    private static Validation.Result found(double raw, double averaged) {
        return new Validation.Result(new Evaluation(1, raw, 100, 50), averaged < 0 ? null : new Evaluation(1, averaged, 100, 50));
    }

    /** Evaluates epoch after epoch with these accuracies. @return epochs done, and why no more */
    private static String script(TrainConfig config, double... top1) {
        Stopping stopping = Stopping.of(config, 0);
        Progress p = Progress.start(100, config);
        for (double t : top1) {
            p = p.evaluated(found(t, -1), false);
            Optional<Ending> ending = stopping.betweenEpochs(p);
            if (ending.isPresent()) {
                return p.epoch() + " " + ending.get().name();
            }
        }
        return p.epoch() + " goes on";
    }

    @Test
    void aScriptOfAccuraciesEndsWhereItShould() {
        TrainConfig c = TinyRun.config(5);
        assertEquals("5 EPOCHS", script(c, 10, 10, 10, 10, 10, 10));
        assertEquals("4 goes on", script(c, 10, 10, 10, 10));
        TrainConfig patient = c.with("early-stopping-patience", 2);
        assertEquals("3 EARLY_STOPPING", script(patient, 10, 10, 10, 10, 10));
        assertEquals("4 EARLY_STOPPING", script(patient, 10, 11, 9, 11, 12));
        assertEquals("5 EPOCHS", script(patient, 10, 9, 11, 10, 12));
        assertEquals("4 EARLY_STOPPING", script(c.with("early-stopping-patience", 1), 10, 11, 12, 12, 13));
        TrainConfig target = patient.with("target-top1", 12);
        assertEquals("3 TARGET", script(target, 10, 9, 12, 13));
        assertEquals("1 TARGET", script(target, 50));
        assertEquals("5 TARGET", script(target, 10, 9, 11, 9, 12));
        assertEquals("2 RUN_EPOCHS", script(c.with("run-epochs", 2), 10, 11, 12));
        assertEquals("3 EARLY_STOPPING", script(patient.with("training-only", false), 10, 9, 9, 9));
        assertEquals("5 EPOCHS", script(patient.with("training-only", true), 10, 9, 9, 9, 9), "nobody sees the accuracy");
    }

    @Test
    void theBestIsByTheRawWeightsOrByTheBetter() {
        Progress start = Progress.start(100, TinyRun.config(5));
        Progress raw = start.evaluated(found(10, 20), false).evaluated(found(11, 15), false).evaluated(found(9, 30), false);
        assertEquals(List.of(11.0, 2, false, 30.0), List.of(raw.bestTop1(), raw.bestEpoch(), raw.bestAveraged(), raw.bestAveragedTop1()));
        Progress better = start.evaluated(found(10, 20), true);
        assertEquals(List.of(20.0, 1, true), List.of(better.bestTop1(), better.bestEpoch(), better.bestAveraged()));
        better = better.evaluated(found(21, 21), true);
        assertEquals(List.of(21.0, 2, false), List.of(better.bestTop1(), better.bestEpoch(), better.bestAveraged()));
        better = better.evaluated(found(19, 20.5), true);
        assertEquals(List.of(21.0, 2, false, 21.0), List.of(better.bestTop1(), better.bestEpoch(), better.bestAveraged(), better.bestAveragedTop1()));
    }

    /** A network without statistics, so that nothing changes at a learning rate of 0. */
    private static Module still() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3).stride(2)), Activation.RELU.module(), new GlobalAvgPool2d(), new Linear(8, 10));
    }

    private static Outcome train(Path path, TrainConfig config, Module net, TrainListener... listeners) {
        try (TinyRun run = new TinyRun(path, backend, config, net)) {
            List.of(listeners).forEach(run.trainer::listen);
            return run.trainer.fit();
        }
    }

    @Test
    void aRunThatLearnsNothingStopsEarlyAndStaysStopped() throws IOException {
        TrainConfig config = TinyRun.config(9).with("lr", 0).with("early-stopping-patience", 3);
        List<Boolean> best = new ArrayList<>();
        TrainListener listener = new TrainListener() {
            @Override
            public void epoch(RunLog.Line line, boolean isBest) {
                best.add(isBest);
            }
        };
        Path path = folder.resolve("run");
        Outcome o = train(path, config, still(), listener);
        assertEquals(List.of(Ending.EARLY_STOPPING, 4, true), List.of(o.ended(), o.epochs(), o.complete()));
        assertEquals(List.of(true, false, false, false), best);
        assertTrue(Files.readString(path.resolve("result.json")).contains("\"EARLY_STOPPING\""));
        Outcome again = train(path, config, still(), listener);
        assertEquals(List.of(Ending.EARLY_STOPPING, 4), List.of(again.ended(), again.epochs()));
        assertEquals(4, best.size());
    }

    @Test
    void aTargetEndsARun() {
        Outcome o = train(folder.resolve("run"), TinyRun.config(9).with("target-top1", 1e-3), TinyRun.net());
        assertTrue(o.complete() && o.ended() == Ending.TARGET && o.epochs() < 9 && o.best_top1() >= 1e-3, o.toString());
    }

    @Test
    void withoutEvaluationThereIsNoBest() throws IOException {
        Path path = folder.resolve("run");
        Outcome o = train(path, TinyRun.config(2).with("training-only", true).with("ema", 0.9), TinyRun.net());
        assertTrue(o.complete());
        assertNull(o.last());
        assertNull(o.best_top1());
        assertNull(o.best_weights());
        assertTrue(Files.exists(path.resolve("last.safetensors")) && Files.exists(path.resolve("last_ema.safetensors")));
        assertFalse(Files.exists(path.resolve("best.safetensors")) || Files.exists(path.resolve("best_ema.safetensors")));
        assertNull(RunLog.lines(path.resolve("log.jsonl")).getLast().val_top1());
    }

    @Test
    void withoutCheckpointsNothingIsSaved() {
        Path path = folder.resolve("run");
        Outcome o = train(path, TinyRun.config(1).with("checkpoints", false), TinyRun.net());
        assertTrue(o.complete() && o.last() != null && o.best_weights() == null);
        assertEquals(Optional.empty(), new CheckpointStore(path.resolve("checkpoints")).newest());
        assertFalse(Files.exists(path.resolve("last.safetensors")));
    }

    /** What is published as averages is what was evaluated as averages. */
    @Test
    void averagesAreEvaluatedAsTheyAreSaved() throws IOException {
        Path path = folder.resolve("run");
        Outcome o = train(path, TinyRun.config(2).with("ema", 0.8).with("smooth-eval-loss", true).with("best", "better").with("eval-size", 16), TinyRun.net());
        assertNotNull(o.last_ema());
        RunLog.Line line = RunLog.lines(path.resolve("log.jsonl")).getLast();
        assertEquals(o.last_ema().loss(), line.val_ema_loss(), 1e-6);
        assertTrue(Files.readString(path.resolve("curves.html")).contains("averaged weights"));
        assertTrue(List.of("best.safetensors", "best_ema.safetensors").contains(o.best_weights()));
        assertTrue(o.best_top1() >= o.best_ema_top1(), o.toString());
        assertEquals(o.last(), evaluate(path.resolve("last.safetensors")));
        assertEquals(o.last_ema(), evaluate(path.resolve("last_ema.safetensors")));
    }

    private static Evaluation evaluate(Path weights) {
        Module net = TinyRun.net();
        try (State state = new State(backend).reserve(net.variables().values()); GeneratedImages images = new GeneratedImages(1, GeneratedImages.Split.TEST, 25)) {
            Weights.load(weights, net, state);
            EvalStep.Settings settings = new EvalStep.Settings(25, 16, 3, Trainer.NORMALIZATION, 0.1);
            TrainConfig config = TinyRun.config(2).with("eval-size", 16);
            try (EvalStep step = EvalStep.of(net, settings, Map.of(), state); Loader loader = Loader.evaluate(images, Experiment.evalTransform(config)).batch(25).open()) {
                return step.run(loader, () -> false).getFirst();
            }
        }
    }

    /** A run that starts from another one's weights goes on from there. */
    @Test
    void weightsToStartFromAreTaken() {
        Path first = folder.resolve("first");
        train(first, TinyRun.config(3), TinyRun.net());
        Path second = folder.resolve("second");
        train(second, TinyRun.config(1).with("lr", 0).with("weights", first.resolve("last.safetensors").toString()).with("ema", 0.5), TinyRun.net());
        assertArrayEquals(values(first.resolve("last.safetensors"), "5.weight"), values(second.resolve("last.safetensors"), "5.weight"));
        assertArrayEquals(values(first.resolve("last.safetensors"), "0.weight"), values(second.resolve("last_ema.safetensors"), "0.weight"), 1e-7f);
    }

    private static float[] values(Path file, String name) {
        try (SafeTensors in = SafeTensors.open(file)) {
            return in.floats(name);
        }
    }
}
