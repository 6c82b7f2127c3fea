package dev.jacquard.cli;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Split;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.Outcome;
import dev.jacquard.train.RunFolder;
import dev.jacquard.train.TrainConfig;
import dev.jacquard.train.Trainer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard train}. */
@Command(name = "train", description = "Trains a network and leaves a run folder with weights, log, curves and checkpoints. Without --data: on generated pictures.",
        sortOptions = false)
final class TrainCommand implements Callable<Integer> {
    private static final Path RUNS = Path.of("run");
    /** Without --val, one in so many images of each class is held out. */
    private static final int HELD_OUT = 10;

    @Mixin
    private RecipeOptions recipe;

    @Mixin
    private DeviceOptions devices;

    @Option(names = "--out", paramLabel = "DIR", description = "Folder of the run. Default: run/<arch>-<n>")
    private Path out;

    @Option(names = "--resume", description = "Continue the run in --out, or the latest one in run/, with its own recipe.")
    private boolean resume;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        TrainConfig config;
        if (resume) {
            if (out == null) {
                out = RunFolder.latest(RUNS).orElseThrow(() -> new DataException("--resume", "no run to resume", "no run in " + RUNS + "/", "the folder of a run", "name it with --out"));
            }
            try (RunFolder run = RunFolder.resume(out)) {
                config = recipe.applyToResumed(TrainConfig.read(run.config()), devices);
                try (Sources sources = Sources.open(config)) {
                    return train(config, run, sources);
                }
            }
        }
        config = recipe.apply(devices);
        Models.row(config.arch());
        try (Sources sources = Sources.open(config); RunFolder run = out == null ? RunFolder.createNumbered(RUNS, config.arch()) : RunFolder.create(out)) {
            return train(config, run, sources);
        }
    }

    /** What is opened before anything is written. */
    private record Sources(ImageSource train, ImageSource val, Backend backend) implements AutoCloseable {
        static Sources open(TrainConfig c) {
            Split images = images(c.data());
            boolean done = false;
            try {
                Sources s = new Sources(images.train(), images.val(), DeviceOptions.open(c.machine().device(), c.machine().threads()));
                done = true;
                return s;
            } finally {
                if (!done) {
                    images.val().close();
                    images.train().close();
                }
            }
        }

        private static Split images(TrainConfig.Data d) {
            if (d.generated()) {
                return new Split(new GeneratedImages(Generated.SEED, GeneratedImages.Split.TRAIN, d.generatedTrain()), new GeneratedImages(Generated.SEED, GeneratedImages.Split.TEST, d.generatedVal()));
            }
            ImageSource train = ImageSource.open(Path.of(d.train()));
            boolean done = false;
            try {
                Split s = d.val() == null ? Split.everyNth(train, HELD_OUT, "--data " + d.train()) : new Split(train, ImageSource.open(Path.of(d.val())));
                done = true;
                return s;
            } finally {
                if (!done) {
                    train.close();
                }
            }
        }

        @Override
        public void close() {
            backend.close();
            val.close();
            train.close();
        }
    }

    private int train(TrainConfig given, RunFolder run, Sources s) {
        TrainConfig config = given.withClasses(s.train.classes().size());
        PrintWriter text = spec.commandLine().getOut();
        CountDownLatch ended = new CountDownLatch(1);
        Thread hook = null;
        try (Trainer trainer = Trainer.open(new Trainer.Setup(config, Models.create(config.arch(), config.classes()), s.backend, s.train, s.val), run)) {
            text.printf(Locale.ROOT, "%s, %d classes, %d pictures of %s (%d held out), %d px, batch %d, on %s%n", config.arch(), config.classes(), s.train.size(),
                    config.data().generated() ? "the built-in generator" : config.data().train(), s.val.size(), config.data().imageSize(), config.recipe().batch(), s.backend.description());
            text.printf(Locale.ROOT, "run folder %s%s%n", run.path(), trainer.stepsDone() > 0 ? ", resumed after step " + trainer.stepsDone() : "");
            text.flush();
            ProgressLine progress = new ProgressLine(text, onTerminal(), config.recipe().batch(), config.recipe().epochs());
            trainer.listen(progress);
            hook = hook(trainer, ended);
            Outcome o = trainer.fit();
            progress.end();
            return report(text, run, o);
        } finally {
            text.flush();
            ended.countDown();
            unhook(hook);
        }
    }

    private static int report(PrintWriter text, RunFolder run, Outcome o) {
        if (!o.complete()) {
            text.printf(Locale.ROOT, "stopped after step %d; checkpoint saved. Continue with: ./jacquard train --resume --out %s%n", o.steps(), run.path());
            return Main.INTERRUPTED;
        }
        if (o.last() != null) {
            text.printf(Locale.ROOT, "done: top-1 %.2f %%, top-5 %.2f %%, loss %.4f; best top-1 %.2f %%; %.0f images/s%n", o.last().top1(), o.last().top5(), o.last().loss(),
                    o.best_top1(), o.images_per_second());
        } else {
            text.printf(Locale.ROOT, "nothing left to do: all %d epochs were done; best top-1 %.2f %%%n", o.epochs(), o.best_top1());
        }
        if (o.skipped_images() > 0) {
            text.printf(Locale.ROOT, "%d images could not be decoded and were skipped%n", o.skipped_images());
        }
        text.printf(Locale.ROOT, "weights  %s%ncurves   %s%n", run.best(), run.curves());
        return Main.DONE;
    }

    private static boolean onTerminal() {
        return System.console() != null && System.console().isTerminal();
    }

    /** On Ctrl-C or SIGTERM the JVM waits for this thread, which waits for the step at hand and the checkpoint. */
    private static Thread hook(Trainer trainer, CountDownLatch ended) {
        Thread hook = new Thread(() -> {
            trainer.stop();
            try {
                ended.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, "jacquard-stop");
        try {
            Runtime.getRuntime().addShutdownHook(hook);
            return hook;
        } catch (IllegalStateException e) {
            throw new CallerException("train", "interrupted before the first step", "a signal", "none", "start again");
        }
    }

    private static void unhook(Thread hook) {
        if (hook == null) {
            return;
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is on its way out: the hook has run.
        }
    }
}
