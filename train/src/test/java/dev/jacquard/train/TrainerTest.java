package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Encoded;
import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.ImageSource;
import dev.jacquard.data.StageTimes;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.DivergedException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.Variable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TrainerTest extends OnCpu {
    /** Trains to the end, or until so many steps are done. */
    private static Outcome train(Path path, TrainConfig config, long stopAfter) {
        try (TinyRun run = new TinyRun(path, backend, config, TinyRun.net())) {
            run.trainer.listen(new TrainListener() {
                @Override
                public void step(long step, long totalSteps, int epoch, double loss, double lr, double imagesPerSecond) {
                    if (step == stopAfter) {
                        run.trainer.stop();
                    }
                }
            });
            return run.trainer.fit();
        }
    }

    private static Path newest(Path run) {
        return new CheckpointStore(run.resolve("checkpoints")).newest().orElseThrow();
    }

    private static void assertSameState(Path a, Path b, String what) throws IOException {
        for (String file : List.of("weights.safetensors", "optimizer.safetensors")) {
            assertArrayEquals(Files.readAllBytes(newest(a).resolve(file)), Files.readAllBytes(newest(b).resolve(file)), what + ": " + file);
        }
    }

    /** The log without what depends on the clock. */
    private static List<String> log(Path run) {
        return RunLog.lines(run.resolve("log.jsonl")).stream()
                .map(l -> l.event() + " " + l.step() + " " + l.epoch() + " " + l.loss() + " " + l.lr() + " " + l.train_loss() + " " + l.val_loss() + " " + l.val_top1()).toList();
    }

    /** A source whose disk takes longer than any step of so small a network. */
    @Test
    void aRunThatWaitsForItsPicturesSaysSoAndWhy() {
        List<DataShare> told = new ArrayList<>();
        TrainConfig config = TinyRun.config(1).with("training-only", true).with("checkpoints", false);
        ImageSource slow = new ForwardingSource(10 * TinyRun.STEPS) {
            @Override
            public void read(int index, Encoded into) {
                LockSupport.parkNanos(20_000_000);
                super.read(index, into);
            }
        };
        Path path = folder.resolve("slow");
        try (RunFolder run = RunFolder.create(path); GeneratedImages val = new GeneratedImages(1, GeneratedImages.Split.TEST, 25);
                Trainer trainer = Trainer.open(new Trainer.Setup(config, TinyRun.net(), backend, slow, val), run)) {
            trainer.listen(new TrainListener() {
                @Override
                public void waited(long step, DataShare share) {
                    told.add(share);
                }
            });
            trainer.fit();
        }
        assertFalse(told.isEmpty());
        told.forEach(t -> assertEquals(StageTimes.Stage.READ, t.slowest(), t.text()));
        List<RunLog.Line> steps = RunLog.lines(path.resolve("log.jsonl")).stream().filter(l -> l.event().equals("step")).toList();
        assertEquals(TinyRun.STEPS, steps.size());
        steps.forEach(l -> assertTrue(l.data_wait() >= 0 && l.data_wait() <= 1, l.toString()));
        assertEquals("read", steps.get(1).data_stage());
    }

    /** The order of a sequential source is part of what resuming goes on with. */
    @Test
    void resumingFromTarsReadInSequenceIsBitwise() throws IOException {
        Path whole = folder.resolve("whole-sequence");
        sequential(whole, -1);
        Path parts = folder.resolve("parts-sequence");
        for (int stop : new int[] {2, 7, -1}) {
            sequential(parts, stop);
        }
        assertSameState(whole, parts, "stopped after 2 and 7");
        assertEquals(log(whole), log(parts));
    }

    private static void sequential(Path path, long stopAfter) {
        TrainConfig config = TinyRun.config(2);
        try (ImageSource images = new ForwardingSource(10 * TinyRun.STEPS) {
            @Override
            public List<int[]> shards() {
                return List.of(IntStream.range(0, 17).toArray(), IntStream.range(17, 40).toArray(), IntStream.range(40, size()).toArray());
            }
        };
                GeneratedImages val = new GeneratedImages(1, GeneratedImages.Split.TEST, 25);
                RunFolder run = Files.exists(path.resolve("config.json")) ? RunFolder.resume(path) : RunFolder.create(path);
                Trainer trainer = Trainer.open(new Trainer.Setup(config, TinyRun.net(), backend, images.sequential(7), val), run)) {
            trainer.listen(new TrainListener() {
                @Override
                public void step(long step, long totalSteps, int epoch, double loss, double lr, double imagesPerSecond) {
                    if (step == stopAfter) {
                        trainer.stop();
                    }
                }
            });
            trainer.fit();
        }
    }

    @Test
    void resumingIsBitwise() throws IOException {
        Path whole = folder.resolve("whole");
        assertTrue(train(whole, TinyRun.config(3), -1).complete());
        // Within an epoch, at its end before the evaluation, after the first step, in the last epoch.
        for (int stop : new int[] {1, 3, TinyRun.STEPS, 10, 3 * TinyRun.STEPS}) {
            Path parts = folder.resolve("stopped-" + stop);
            Outcome first = train(parts, TinyRun.config(3), stop);
            assertFalse(first.complete());
            assertEquals(stop, first.steps());
            Outcome second = train(parts, TinyRun.config(3), -1);
            assertTrue(second.complete());
            assertEquals(3 * TinyRun.STEPS, second.steps());
            assertSameState(whole, parts, "stopped after " + stop);
            assertEquals(log(whole), log(parts), "stopped after " + stop);
        }
    }

    @Test
    void tenStepsAndTenMoreAreTwenty() throws IOException {
        Path whole = folder.resolve("whole");
        Path parts = folder.resolve("parts");
        train(whole, TinyRun.config(4), 20);
        train(parts, TinyRun.config(4), 10);
        train(parts, TinyRun.config(4), 20);
        assertEquals(20, Progress.read(newest(parts)).step());
        assertSameState(whole, parts, "10 + 10");
    }

    @Test
    void aRunLeavesItsFolderComplete() throws IOException {
        Path run = folder.resolve("run");
        Outcome o = train(run, TinyRun.config(4), -1);
        try (Stream<Path> files = Files.list(run)) {
            assertEquals(List.of(".lock", "best.safetensors", "checkpoints", "classes.json", "config.json", "curves.html", "last.safetensors", "log.jsonl", "result.json"),
                    files.map(p -> p.getFileName().toString()).sorted().toList());
        }
        assertEquals(4 * (TinyRun.STEPS + 1), RunLog.lines(run.resolve("log.jsonl")).size());
        assertEquals(TinyRun.config(4), TrainConfig.read(run.resolve("config.json")));
        assertEquals(o, Json.parse(Files.readString(run.resolve("result.json")), Outcome.class));
        assertEquals(25, o.last().images());
        Progress p = Progress.read(newest(run));
        assertTrue(Files.exists(run.resolve("checkpoints").resolve(p.bestCheckpoint())), "the best one is kept");
        try (Stream<Path> kept = Files.list(run.resolve("checkpoints"))) {
            assertTrue(kept.count() <= 3);
        }
        assertArrayEquals(Files.readAllBytes(run.resolve("checkpoints").resolve(p.bestCheckpoint()).resolve("weights.safetensors")),
                Files.readAllBytes(run.resolve("best.safetensors")));
        assertEquals(o, train(run, TinyRun.config(4), -1).complete() ? o : null, "a finished run resumes to nothing");
    }

    @Test
    void theLossFalls() {
        Path run = folder.resolve("run");
        train(run, TinyRun.config(12), -1);
        List<RunLog.Line> epochs = RunLog.lines(run.resolve("log.jsonl")).stream().filter(l -> l.event().equals("epoch")).toList();
        assertTrue(epochs.getLast().train_loss() < epochs.getFirst().train_loss() - 0.1, () -> epochs.toString());
    }

    /** A linear layer whose output goes through a logarithm. */
    private static final class Bomb extends Module {
        private final Linear fc = child("fc", new Linear(3, 10));

        @Override
        protected Tensor forward(Tensor x) {
            return fc.apply(x.globalAvgPool2d()).sub(x.context().fill(dev.jacquard.tensor.TensorType.f32(), 100)).log();
        }
    }

    @Test
    void aLossThatIsNoNumberNamesTheStepAndTheOp() {
        try (TinyRun run = new TinyRun(folder.resolve("run"), backend, TinyRun.config(1), new Bomb())) {
            DivergedException e = assertThrows(DivergedException.class, run.trainer::fit);
            assertTrue(e.getMessage().startsWith("step 1: ") && e.getMessage().contains("op log") && e.getMessage().contains("no checkpoint yet"), e.getMessage());
        }
    }

    @Test
    void aVariableThatIsNoNumberIsNamedWithTheLastGoodCheckpoint() {
        Path path = folder.resolve("run");
        try (TinyRun run = new TinyRun(path, backend, TinyRun.config(2), TinyRun.net())) {
            run.trainer.listen(new TrainListener() {
                @Override
                public void epoch(RunLog.Line line, boolean best) {
                    Variable v = run.trainer.state().variable("0.weight");
                    float[] values = run.trainer.state().get(v);
                    Arrays.fill(values, Float.NaN);
                    run.trainer.state().set(v, values);
                }
            });
            DivergedException e = assertThrows(DivergedException.class, run.trainer::fit);
            assertTrue(e.getMessage().startsWith("step 7: ") && e.getMessage().contains("0.weight")
                    && e.getMessage().contains(path.resolve("checkpoints/step-00000006").toString()), e.getMessage());
        }
        assertEquals(TinyRun.STEPS, Progress.read(newest(path)).step());
    }

    @Test
    void anotherConfigurationDoesNotResume() {
        Path path = folder.resolve("run");
        train(path, TinyRun.config(2), 3);
        DataException e = assertThrows(DataException.class, () -> train(path, TinyRun.config(3), -1));
        assertTrue(e.getMessage().contains("configuration changed"), e.getMessage());
        assertTrue(train(path, TinyRun.config(2), -1).complete(), "nothing was harmed");
    }

    @Test
    void aFolderThatTakesNoCheckpointsIsTheCallersFault() throws IOException {
        Path path = folder.resolve("run");
        Files.createDirectories(path);
        Files.writeString(path.resolve("checkpoints"), "a file");
        assertThrows(DataException.class, () -> train(path, TinyRun.config(1), -1));
        assertFalse(Files.exists(path.resolve("config.json")));
    }
}
