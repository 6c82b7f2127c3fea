package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run with all that has a memory, interrupted anywhere, ends bit for bit as one that was not: accumulators, averages, stages, mixing, augmentation. */
class ResumeTest {
    private static final int EPOCHS = 3;
    /** So that updates lie across the ends of epochs and stages, of 6 steps each. */
    private static final int ACCUMULATION = 4;
    private static Backend backend;

    @TempDir
    static Path runs;
    /** A run that nobody stopped. */
    private static Path whole;

    @TempDir
    Path folder;

    @BeforeAll
    static void open() {
        backend = Backends.open("cpu", 2);
        whole = runs.resolve("whole");
        Outcome o = train(whole, config(), -1, false);
        assertEquals(Ending.EPOCHS, o.ended());
        assertNotNull(o.last_ema());
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    private static TrainConfig config() {
        return TinyRun.config(EPOCHS).with("optimizer-batch-size", 10 * ACCUMULATION).with("optimizer", "rmsprop").with("ema", 0.5).with("ema-cadence", "step").with("stages", 3)
                .with("base-image-size", 8).with("augmentation", "randaugment").with("base-magnitude", 2).with("mixup", 0.4).with("cutmix", 1).with("base-mixup", 0.2)
                .with("lr", 0.01)
                .with("lr-convention", "nvidia-pytorch").with("warmup-epochs", 1).with("grad-clip-norm", 0.2);
    }

    private static Outcome train(Path path, TrainConfig config, long stopAfter, boolean betweenEpochs) {
        try (TinyRun run = new TinyRun(path, backend, config, TinyRun.net())) {
            run.trainer.listen(new TrainListener() {
                @Override
                public void step(long step, long totalSteps, int epoch, double loss, double lr, double imagesPerSecond) {
                    if (step == stopAfter && !betweenEpochs) {
                        run.trainer.stop();
                    }
                }

                @Override
                public void epoch(RunLog.Line line, boolean best) {
                    if (line.step() == stopAfter && betweenEpochs) {
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

    private static void assertSame(Path parts, String what) throws IOException {
        assertSame(whole, parts, what);
    }

    private static void assertSame(Path whole, Path parts, String what) throws IOException {
        for (String file : List.of("weights.safetensors", "weights_ema.safetensors", "optimizer.safetensors")) {
            assertArrayEquals(Files.readAllBytes(newest(whole).resolve(file)), Files.readAllBytes(newest(parts).resolve(file)), what + ": " + file);
        }
        assertEquals(log(whole), log(parts), what);
        for (String file : List.of("best.safetensors", "best_ema.safetensors", "last.safetensors", "last_ema.safetensors")) {
            assertArrayEquals(Files.readAllBytes(whole.resolve(file)), Files.readAllBytes(parts.resolve(file)), what + ": " + file);
        }
    }

    /** The log without what depends on the clock. */
    private static List<String> log(Path run) {
        return RunLog.lines(run.resolve("log.jsonl")).stream().map(l -> List.of(l.event(), l.step(), l.epoch(), String.valueOf(l.loss()), l.lr(), String.valueOf(l.train_loss()),
                String.valueOf(l.val_loss()), String.valueOf(l.val_top1()), String.valueOf(l.val_ema_loss()), String.valueOf(l.val_ema_top5()),
                String.valueOf(l.loss_scale()), String.valueOf(l.skipped())).toString()).toList();
    }

    @Test
    void resumingIsBitwiseWhereverItStopped() throws IOException {
        // In the middle of an accumulation and of a stage; after an update; at a stage's end before its evaluation, in an accumulation; in a later stage; before the last
        // evaluation.
        for (int stop : new int[] {1, 4, 6, 9, EPOCHS * TinyRun.STEPS}) {
            Path parts = folder.resolve("stopped-" + stop);
            Outcome first = train(parts, config(), stop, false);
            assertEquals(Ending.STOPPED, first.ended());
            assertEquals(stop, first.steps());
            assertEquals(Ending.EPOCHS, train(parts, config(), -1, false).ended());
            assertSame(parts, "stopped after " + stop);
        }
    }

    @Test
    void resumingBetweenStagesIsBitwise() throws IOException {
        Path between = folder.resolve("between");
        assertEquals(1, train(between, config(), 6, true).epochs());
        train(between, config(), -1, false);
        assertSame(between, "stopped after an evaluation");
        Path parts = folder.resolve("often");
        train(parts, config(), 2, false);
        train(parts, config(), 7, false);
        train(parts, config(), 13, false);
        train(parts, config(), -1, false);
        assertSame(parts, "stopped three times");
    }

    @Test
    void partsOfSomeEpochsMakeTheWhole() throws IOException {
        Path parts = folder.resolve("parts");
        Outcome first = train(parts, config().with("run-epochs", 2), -1, false);
        assertEquals(List.of(Ending.RUN_EPOCHS, 2), List.of(first.ended(), first.epochs()));
        assertFalse(first.complete());
        assertEquals(Ending.EPOCHS, train(parts, config().with("run-epochs", 2), -1, false).ended());
        assertSame(parts, "2 + 1 epochs");
        Path steps = folder.resolve("steps");
        for (int n : new int[] {5, 6, 14}) {
            Outcome o = train(steps, config().with("max-steps", n), -1, false);
            assertEquals(List.of(Ending.MAX_STEPS, (long) n), List.of(o.ended(), o.steps()));
        }
        train(steps, config(), -1, false);
        assertSame(steps, "5 + 1 + 8 + 4 steps");
    }

    /**
     * The loss scale is one that overflows again and again: some updates are skipped before each checkpoint, some after it, and one checkpoint is between a bad micro-step and its
     * update.
     */
    @Test
    void resumingInMixedPrecisionIsBitwise() throws IOException {
        TrainConfig half = config().with("amp", "fp16").with("loss-scale", 0x1p22).with("loss-scale-interval", 1).with("optimizer-batch-size", 20);
        for (TrainConfig c : List.of(half, half.with("amp", "bf16"), half.with("optimizer", "adam").with("epsilon", 1e-3).with("ema-cadence", "update"))) {
            String name = c.precision().amp() + "-" + c.optimization().rule();
            Path all = folder.resolve(name);
            train(all, c, -1, false);
            List<RunLog.Line> log = RunLog.lines(all.resolve("log.jsonl"));
            for (int stop : new int[] {3, 8, 13}) {
                Path parts = folder.resolve(name + "-" + stop);
                train(parts, c, stop, false);
                assertEquals(stop, train(parts, c.with("max-steps", stop), -1, false).steps());
                train(parts, c, -1, false);
                assertSame(all, parts, name + " stopped after " + stop);
            }
            if (c.precision().amp() == TrainConfig.Amp.FP16) {
                int before = log.stream().filter(l -> l.step() == 8).findFirst().orElseThrow().skipped();
                int after = log.getLast().skipped();
                assertTrue(before > 0 && after > before && after < EPOCHS * TinyRun.STEPS / 2, before + " updates skipped before the checkpoint, " + after + " in all");
            }
        }
    }

    /** What the tests above would not notice if it did nothing. */
    @Test
    void everySettingChangesTheRun() throws IOException {
        byte[] weights = Files.readAllBytes(whole.resolve("last.safetensors"));
        byte[] averages = Files.readAllBytes(whole.resolve("last_ema.safetensors"));
        assertNotEquals(Arrays.hashCode(weights), Arrays.hashCode(averages));
        for (TrainConfig other : List.of(config().with("optimizer-batch-size", 0), config().with("mixup", 0.1), config().with("cutmix", 2), config().with("base-mixup", 0.3),
                config().with("augmentation", "none"), config().with("base-magnitude", 9), config().with("base-image-size", 10), config().with("stages", 2),
                config().with("grad-clip-norm", 0))) {
            Path path = folder.resolve("other-" + Integer.toHexString(other.hashCode()));
            train(path, other, -1, false);
            assertFalse(Arrays.equals(weights, Files.readAllBytes(path.resolve("last.safetensors"))), other.toString());
        }
        for (TrainConfig other : List.of(config().with("ema", 0.4), config().with("ema-cadence", "update"), config().with("ema-warmup", false))) {
            Path path = folder.resolve("other-" + Integer.toHexString(other.hashCode()));
            train(path, other, -1, false);
            assertArrayEquals(weights, Files.readAllBytes(path.resolve("last.safetensors")), "averages do not act back");
            assertFalse(Arrays.equals(averages, Files.readAllBytes(path.resolve("last_ema.safetensors"))), other.toString());
        }
    }
}
