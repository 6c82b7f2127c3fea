package dev.jacquard.cli;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Split;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.Experiment;
import dev.jacquard.train.Outcome;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.RunFolder;
import dev.jacquard.train.Settings;
import dev.jacquard.train.TrainConfig;
import dev.jacquard.train.Trainer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard train}. */
@Command(name = "train", description = "Trains a network and leaves a run folder with weights, log, curves and checkpoints. Without --data: on generated pictures.",
        sortOptions = false, abbreviateSynopsis = true, modelTransformer = SettingOptions.class)
final class TrainCommand implements Callable<Integer>, SettingOptions.Receiver {
    private static final Path RUNS = Path.of("run");
    /** Without --val, one in so many images of each class is held out. */
    private static final int HELD_OUT = 10;

    @Option(names = "--recipe", paramLabel = "NAME", description = "Settings to begin with, see: jacquard recipes. Default: jacquard/resnet18/generated, with --data "
            + "jacquard/resnet50/images")
    private String recipe;

    @Option(names = "--mode", paramLabel = "NAME", description = "Settings over those of the recipe: convergence, evaluate, benchmark-training, benchmark-training-short or "
            + "benchmark-inference.")
    private String mode;

    @Option(names = "--dry-run", description = "Say what would be done, with every setting and what it comes to, and do nothing.")
    private boolean dryRun;

    @Option(names = "--lr-at", paramLabel = "EPOCH", split = ",", description = "With --dry-run: epochs to say the learning rate at.")
    private List<Double> lrAt = List.of();

    @Option(names = "--out", paramLabel = "DIR", description = "Folder of the run. Default: run/<arch>-<n>")
    private Path out;

    @Option(names = "--resume", description = "Continue the run in --out, or the latest one in run/, with its own recipe.")
    private boolean resume;

    @Spec
    private CommandSpec spec;

    private final Map<String, String> flags = new LinkedHashMap<>();

    @Override
    public void set(String name, String value) {
        flags.put(name, value);
    }

    @Override
    public Integer call() {
        if (dryRun && resume) {
            throw new CallerException("--dry-run", "with --resume", "both", "one of them", "leave --dry-run out; config.json in the run's folder says what it does");
        }
        if (!lrAt.isEmpty() && !dryRun) {
            throw new CallerException("--lr-at", "without --dry-run", "a run that trains", "both, or none", "add --dry-run; a run's learning rates are in its log.jsonl");
        }
        if (resume) {
            if (out == null) {
                out = RunFolder.latest(RUNS).orElseThrow(() -> new DataException("--resume", "no run to resume", "no run in " + RUNS + "/", "the folder of a run",
                        "name it with --out"));
            }
            try (RunFolder run = RunFolder.resume(out)) {
                TrainConfig config = resumed(TrainConfig.read(run.config()));
                try (Sources sources = Sources.open(config)) {
                    return train(config, run, sources);
                }
            }
        }
        if (flags.containsKey("val") && !flags.containsKey("data")) {
            throw new CallerException("--data", "missing", "--val alone", "both", "give the images to learn from, too");
        }
        ResolvedConfig resolved = ResolvedConfig.of(recipe, mode, flags);
        if (dryRun) {
            return dryRun(resolved);
        }
        TrainConfig config = resolved.config();
        requireBuilt(resolved);
        try (Sources sources = Sources.open(config); RunFolder run = out == null ? RunFolder.createNumbered(RUNS, config.arch()) : RunFolder.create(out)) {
            return train(config, run, sources);
        }
    }

    private int dryRun(ResolvedConfig resolved) {
        DryRun.Images images = DryRun.Images.expected(resolved.config());
        TrainConfig.Data d = resolved.config().data();
        if (!d.generated() || d.generatedTrain() > 0) {
            Split split = Sources.images(d);
            try (ImageSource train = split.train(); ImageSource _ = split.val()) {
                images = new DryRun.Images(train.size(), train.classes().size(), d.generated() ? "the built-in generator" : d.train());
            }
        }
        DryRun run = new DryRun(resolved, images);
        PrintWriter out = spec.commandLine().getOut();
        out.print(run.text(lrAt));
        try (Backend cpu = DeviceOptions.open("cpu", 1)) {
            out.print(run.memory(cpu));
        }
        return Main.DONE;
    }

    /** What a recipe asks for that is not there is said, never left out in silence. */
    private static void requireBuilt(ResolvedConfig resolved) {
        List<String> missing = Experiment.missing(resolved.config());
        if (!missing.isEmpty()) {
            throw new CallerException("--recipe " + resolved.recipe(), "asks for what this build cannot do yet",
                    String.join(" ", missing.stream().map(m -> Experiment.given(resolved.config(), m)).toList()),
                    "settings of one device, without quantisation and sparsity", "add " + String.join(" ", missing));
        }
        if (resolved.config().machine().evaluateOnly()) {
            throw new CallerException("--evaluate", "nothing to train", resolved.recipe(), "a run that trains",
                    "measure weights with ./jacquard evaluate --weights FILE --data PATH");
        }
        TrainConfig.Data d = resolved.config().data();
        if (d.generated() && d.generatedTrain() == 0) {
            throw new CallerException("--data", "missing", "--recipe " + resolved.recipe(), "images to learn from",
                    "give --data PATH, or --generated-images N for the built-in pictures");
        }
    }

    /** The configuration of a run that goes on: only where things are and what does not change the numbers may be said anew. */
    private TrainConfig resumed(TrainConfig config) {
        List<Settings.Row> fixed = Settings.rows().stream().filter(r -> flags.containsKey(r.name()) && !r.setting().mayChange()).toList();
        if (!fixed.isEmpty() || recipe != null || mode != null) {
            List<String> names = new ArrayList<>(fixed.stream().map(Settings.Row::flag).toList());
            String got = recipe != null ? recipe : mode != null ? mode : flags.get(fixed.getFirst().name());
            if (recipe != null || mode != null) {
                names.add(recipe != null ? "--recipe" : "--mode");
            }
            throw new CallerException(String.join(", ", names), "cannot change when resuming", got, "the recipe that the run began with",
                    "leave it out, or start a new run without --resume");
        }
        if (config.data().generated() && (flags.containsKey("data") || flags.containsKey("val"))) {
            throw new CallerException("--data", "cannot change when resuming", String.valueOf(flags.get("data")), "the generated pictures that the run began with",
                    "leave it out, or start a new run");
        }
        TrainConfig changed = config;
        for (Map.Entry<String, String> e : flags.entrySet()) {
            changed = changed.with(e.getKey(), e.getValue());
        }
        return changed.validate();
    }

    /** What is opened before anything is written. */
    private record Sources(ImageSource train, ImageSource val, Backend backend) implements AutoCloseable {
        static Sources open(TrainConfig c) {
            Split images = images(c.data());
            boolean done = false;
            try {
                Sources s = new Sources(images.train(), images.val(), DeviceOptions.open(c.machine().device(), c.device()));
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
                return new Split(new GeneratedImages(Generated.SEED, GeneratedImages.Split.TRAIN, d.generatedTrain()),
                        new GeneratedImages(Generated.SEED, GeneratedImages.Split.TEST, d.generatedVal()));
            }
            ImageSource train = ImageSource.open(d.train());
            ImageSource val = null;
            boolean done = false;
            try {
                Split s = d.val() == null ? Split.everyNth(train, HELD_OUT, "--data " + d.train()) : new Split(train, val = ImageSource.open(d.val()));
                s = d.shuffleBuffer() == 0 ? s : new Split(s.train().sequential(d.shuffleBuffer()), s.val());
                done = true;
                return s;
            } finally {
                if (!done) {
                    train.close();
                    if (val != null) {
                        val.close();
                    }
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
        int classes = s.train.classes().size();
        if (flags.containsKey("num-classes") && given.classes() != 0 && given.classes() != classes) {
            throw new CallerException("--num-classes", "wrong number of classes", Integer.toString(given.classes()), classes + ", as the data set has",
                    "leave it out, or give other images");
        }
        TrainConfig config = given.withClasses(classes);
        PrintWriter text = spec.commandLine().getOut();
        CountDownLatch ended = new CountDownLatch(1);
        Thread hook = null;
        try (Trainer trainer = Trainer.open(new Trainer.Setup(config, Experiment.network(config), s.backend, s.train, s.val, flags.containsKey("num-classes")), run)) {
            text.printf(Locale.ROOT, "%s, %d classes, %d pictures of %s (%d held out), %d px, batch %d, on %s%n", config.arch(), config.classes(), s.train.size(),
                    config.data().generated() ? "the built-in generator" : config.data().train(), s.val.size(), config.data().imageSize(), config.batch().size(),
                    s.backend.description());
            TrainConfig.BatchSizes b = config.batch();
            if (b.optimizer() > 0 && b.global() != b.optimizer()) {
                text.printf(Locale.ROOT, "warning: --optimizer-batch-size %d is no multiple of the batch: %d images per update%n", b.optimizer(), b.global());
            }
            accumulation(config, trainer.totalSteps()).ifPresent(text::println);
            text.printf(Locale.ROOT, "run folder %s%s%n", run.path(), trainer.stepsDone() > 0 ? ", resumed after step " + trainer.stepsDone() : "");
            text.flush();
            ProgressLine progress = new ProgressLine(text, onTerminal(), config.batch().size(), config.schedule().epochs());
            trainer.listen(progress);
            hook = hook(trainer, ended);
            Outcome o = trainer.fit();
            progress.end();
            return TrainReport.print(text, run, o);
        } finally {
            text.flush();
            ended.countDown();
            unhook(hook);
        }
    }

    /** What is to be said of accumulated gradients. @throws CallerException if the whole run is too short for one update */
    private static Optional<String> accumulation(TrainConfig config, long steps) {
        TrainConfig.BatchSizes b = config.batch();
        if (b.accumulation() > steps) {
            throw new CallerException("--optimizer-batch-size", "no update in the whole run", b.accumulation() + " steps per update", "at most the run's " + steps,
                    "lower it, or train for longer");
        }
        if (b.optimizer() <= 0) {
            return Optional.empty();
        }
        String fits = b.global() == b.optimizer() ? "" : "; --optimizer-batch-size " + b.optimizer() + " is no multiple of the batch";
        return Optional.of("%d images per update, in %d step%s%s".formatted(b.global(), b.accumulation(), b.accumulation() == 1 ? "" : "s", fits));
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
