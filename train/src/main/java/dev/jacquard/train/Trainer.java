package dev.jacquard.train;

import dev.jacquard.data.ImageCache;
import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Normalization;
import dev.jacquard.data.Position;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.DivergedException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.plan.State;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Trains a network in a run folder: epochs of planned steps, an evaluation and a checkpoint after each, a log with curves. Continues from the newest whole
 * checkpoint of the folder, if there is one, exactly as if it had never been interrupted.
 *
 * <p>A run has one {@link Stage} or several; each has a plan and a loader of its own, and all of them one state. Why a run ends is said by {@link Ending}.
 *
 * <p>One thread calls {@link #fit}; {@link #stop} may be called by any.
 */
public final class Trainer implements AutoCloseable {
    /** ImageNet's constants serve every data set well enough, and weights then fit together. */
    public static final Normalization NORMALIZATION = Normalization.IMAGENET;

    private static final long CACHE_BYTES = 1L << 30;

    private final TrainConfig config;
    private final Setup setup;
    private final ImageCache decoded;
    private final RunFolder run;
    private final State state;
    private final Optimizer optimizer;
    private final List<Stage> stages;
    /** Null if nothing is evaluated. */
    private final Validation validation;
    private final Rate rate;
    private final int perEpoch;
    private final Stopping stopping;
    private final Checkpoints checkpoints;
    private final List<TrainListener> listeners = new ArrayList<>();
    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final Speed speed = new Speed();
    private final ScaleWatch scales;
    private final DataWatch waits = new DataWatch();
    private volatile boolean asked;
    private StageRun stage;
    private RunLog log;
    private Progress progress;
    private Validation.Result last;

    /**
     * What a trainer is given; all of it stays the caller's to close.
     *
     * @param config what to do; {@code classes} is that of the sources
     * @param module the network
     * @param backend where
     * @param train pictures to learn from
     * @param val held-out pictures of the same classes
     * @param replaceHead whether weights to start from may be of another number of classes; the network's head then begins as it would without
     */
    public record Setup(TrainConfig config, Module module, Backend backend, ImageSource train, ImageSource val, boolean replaceHead) {
        /** Weights to start from must be of as many classes. */
        public Setup(TrainConfig config, Module module, Backend backend, ImageSource train, ImageSource val) {
            this(config, module, backend, train, val, false);
        }


        /** Checks that the parts fit together. @throws DataException if the held-out pictures have other classes */
        public Setup {
            if (!train.classes().equals(val.classes())) {
                throw new DataException("--val " + config.data().val(), "other classes than the training set", describe(val.classes()), describe(train.classes()),
                        "give both the same class folders");
            }
        }

        private static String describe(List<String> classes) {
            return classes.size() + " (" + String.join(", ", classes.subList(0, Math.min(classes.size(), 5))) + (classes.size() > 5 ? ", ..." : "") + ")";
        }
    }

    private Trainer(Setup setup, RunFolder run) {
        boolean done = false;
        try {
            this.setup = setup;
            this.config = setup.config;
            this.run = run;
            this.decoded = new ImageCache(setup.train, CACHE_BYTES);
            this.state = keep(new State(setup.backend));
            this.stages = Stage.of(config);
            this.scales = new ScaleWatch(Experiment.precision(config), config.batch().accumulation());
            this.optimizer = Experiment.optimizer(config, setup.module);
            this.checkpoints = new Checkpoints(run, setup.module, state, optimizer.averages().variables(), config.machine().keep(),
                    Preparation.strings(config, setup.train.classes()));
            Optional<Progress> saved = checkpoints.newest();
            this.progress = saved.orElseGet(() -> Progress.start(setup.train.size(), config));
            requireSameRun();
            state.initialize(setup.module.variables().values(), config.optimization().seed());
            if (saved.isEmpty() && config.model().weights() != null) {
                Weights.load(Path.of(config.model().weights()), setup.module, state, new Weights.Options(false, setup.replaceHead));
            }
            enterStage(); // makes the optimizer's memory, and averages as copies of what is there now
            if (saved.isPresent()) {
                checkpoints.restore();
            }
            this.validation = config.machine().trainingOnly() ? null : keep(Validation.open(config, setup.val, setup.module, optimizer.averages().variables(), state));
            this.perEpoch = setup.train.size() / config.batch().size();
            this.rate = Rate.of(config, perEpoch);
            this.stopping = Stopping.of(config, progress.epoch());
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /**
     * Readies a run, from its newest checkpoint or from the start.
     *
     * @throws DataException if the folder's checkpoints are of another run, or the disk refuses
     */
    public static Trainer open(Setup setup, RunFolder run) {
        return new Trainer(setup, run);
    }

    private <T extends AutoCloseable> T keep(T resource) {
        open.push(resource);
        return resource;
    }

    private void requireSameRun() {
        if (!progress.config().equals(config.identity())) {
            throw new DataException("--resume " + run.path(), "configuration changed since the checkpoint", config.identity(), progress.config(),
                    "restore config.json, or start another run");
        }
        if (progress.trainImages() != setup.train.size()) {
            throw new DataException("--resume " + run.path(), "training set changed since the checkpoint", setup.train.size() + " images", progress.trainImages() + " images",
                    "give the data set that the run began with");
        }
    }

    /** Adds one who is told. */
    public void listen(TrainListener listener) {
        listeners.add(listener);
    }

    /** Steps of the whole run. */
    public long totalSteps() {
        return (long) config.schedule().epochs() * perEpoch;
    }

    /** Steps done, in this part of the run and before. */
    public long stepsDone() {
        return progress.step();
    }

    /** Values of all variables. */
    public State state() {
        return state;
    }

    /** Asks the run to save a checkpoint after the step at hand and to end. Returns at once; any thread may ask. */
    public void stop() {
        asked = true;
    }

    /**
     * Trains until there is nothing left to do, or until {@link #stop}.
     *
     * @throws DivergedException if the loss stops being a number, or with loss scaling if skipping updates does not help; the message names the step, the first bad op, and the
     *     last good checkpoint
     * @throws DataException if no picture can be decoded or the disk refuses
     */
    public Outcome fit() {
        boolean epochTrained = progress.batch() == perEpoch;
        stage.seek(new Position(progress.epoch() + (epochTrained ? 1 : 0), epochTrained ? 0 : progress.batch()));
        speed.start();
        Optional<Ending> ending = epochTrained ? Optional.empty() : stopping.betweenEpochs(progress);
        if (ending.isPresent()) {
            begin();
        }
        while (ending.isEmpty()) {
            ending = epoch();
        }
        Outcome o = outcome(ending.get());
        Json.write(run.result(), Json.pretty(o));
        Curves.write(run.curves(), title(), run.log());
        return o;
    }

    private Outcome outcome(Ending ending) {
        Progress p = progress;
        String best = p.bestTop1() < 0 || !config.machine().checkpoints() ? null : (p.bestAveraged() ? run.bestAveraged() : run.best()).getFileName().toString();
        LossScaler.Reading scale = stage.step().scale();
        return new Outcome(ending.complete(), ending, p.step(), p.epoch(), last == null ? null : last.raw(), last == null ? null : last.averaged(), p.bestTop1() < 0 ? null
                : p.bestTop1(),
                p.bestAveragedTop1() < 0 ? null : p.bestAveragedTop1(), best, speed.overall(), p.seconds(), decoded.badImages() + (validation == null ? 0 : validation.badImages()),
                scale == null ? null : scale.skipped());
    }

    private String title() {
        return config.arch() + " on " + (config.data().generated() ? "generated pictures" : Path.of(config.data().train()).getFileName().toString());
    }

    /** The first thing written: only once there is a picture to learn from, so that a mistake leaves no run behind. */
    private void begin() {
        if (log == null) {
            config.write(run.config());
            Json.write(run.classes(), Json.pretty(setup.train.classes()));
            log = keep(RunLog.open(run.log(), progress.step(), progress.batch() == 0));
        }
    }

    /** Trains what is left of an epoch and evaluates. @return why the run goes no further; empty if it does */
    private Optional<Ending> epoch() {
        enterStage();
        if (progress.batch() < perEpoch && !train() || !endEpoch()) {
            save();
            return Optional.of(asked ? Ending.STOPPED : Ending.MAX_STEPS);
        }
        return stopping.betweenEpochs(progress);
    }

    /** Sees to it that the current epoch's stage is at work; the last epoch's stays so when there is none. */
    private void enterStage() {
        Stage due = stages.stream().filter(s -> s.has(progress.epoch())).findFirst().orElse(stages.getLast());
        if (stage != null && stage.stage().equals(due)) {
            return;
        }
        boolean first = stage == null;
        leaveStage(); // before the next one takes memory
        waits.begin();
        stage = StageRun.open(due, config, setup.train, decoded, setup.module, optimizer, state);
        if (!first) {
            stage.seek(new Position(progress.epoch(), progress.batch()));
        }
    }

    private void leaveStage() {
        if (stage != null) {
            stage.close();
            stage = null;
        }
    }

    /** Trains to the end of the epoch. @return whether it came to it */
    private boolean train() {
        int save = config.machine().checkpointSteps();
        long n = progress.step();
        int batchInEpoch = progress.batch();
        RunningLoss losses = RunningLoss.of(progress);
        TrainStep step = stage.step();
        int images = feed(true, n);
        waits.computed(); // nothing was
        while (images > 0 && !halts(n)) {
            begin();
            double lr = rate.lr(n);
            step.compute(n, lr);
            int computing = images;
            images = feed(batchInEpoch + 1 < perEpoch, n + 1); // while a device computes
            float loss = step.loss();
            waits.computed();
            if (!Float.isFinite(loss)) {
                requireSkipped(n, loss);
            }
            step.commit();
            n++;
            batchInEpoch++;
            losses.add(loss);
            speed.count(computing);
            line(n, batchInEpoch == perEpoch, losses, lr);
            if (save > 0 && n % save == 0 && batchInEpoch < perEpoch) {
                progress = progress.trained(n, batchInEpoch, losses, speed.take());
                save();
            }
        }
        progress = progress.trained(n, batchInEpoch, losses, speed.take());
        if (batchInEpoch == perEpoch && !asked) {
            stage.feed(); // nothing, at the epoch's end
        }
        return batchInEpoch == perEpoch;
    }

    /** Tells of a step that is done, and writes a line of the log when it is time. @param n steps done */
    private void line(long n, boolean epochEnds, RunningLoss losses, double lr) {
        boolean due = n % config.machine().logSteps() == 0 || epochEnds;
        LossScaler.Reading scale = due ? stage.step().scale() : null; // asks the device, so not at every step
        if (scale != null) {
            requireProgress(n, scale);
        }
        for (TrainListener l : listeners) {
            l.step(n, totalSteps(), progress.epoch() + 1, losses.recent(), lr, speed.recent());
        }
        if (due) {
            double seconds = progress.seconds() + speed.unsaved();
            DataShare share = waits.line(seconds, stage.times(), stage.loaderThreads());
            log.append(RunLog.Line.step(n, progress.epoch() + 1, losses.recent(), lr, speed.recent(), seconds).scaled(scale).fed(share));
            if (waits.worthSaying(share)) {
                listeners.forEach(l -> l.waited(n, share));
            }
            losses.line();
        }
    }

    /** Stops the run at a loss that is not finite, unless scaling deals with it. @param n steps done */
    private void requireSkipped(long n, float loss) {
        Optional<String> why = scales.judge(stage.step(), n);
        if (why.isPresent()) {
            throw diverged(n + 1, "the loss is not a number", "loss " + loss + (why.get().isEmpty() ? "" : "; " + why.get()), "a finite loss");
        }
    }

    /** Stops a run that skips updates without end; else tells of those it skipped. @param n steps done */
    private void requireProgress(long n, LossScaler.Reading scale) {
        Optional<String> why = scales.judge(scale, n);
        if (why.isPresent()) {
            throw diverged(n, "gradients overflow at any loss scale", why.get(), "finite gradients");
        }
        if (scales.more(scale)) {
            listeners.forEach(l -> l.skipped(n, scale.scale(), scale.skipped()));
        }
    }

    /** Feeds the epoch's next batch, if there is one. @param steps done when it is computed @return its images; 0 if there is none */
    private int feed(boolean more, long steps) {
        int images = more && !halts(steps) ? stage.feed() : 0;
        waits.fed(stage.waitedNanos());
        return images;
    }

    private boolean halts(long steps) {
        return asked || stopping.after(steps);
    }

    /** Evaluates, logs, saves. @return false if asked to stop before the evaluation was through */
    private boolean endEpoch() {
        begin();
        speed.pause();
        Progress p = progress;
        if (validation != null) {
            listeners.forEach(l -> l.evaluating(p.epoch() + 1));
            Validation.Result result = validation.run(() -> asked);
            if (result == null) {
                return false;
            }
            last = result;
        }
        RunLog.Line line = RunLog.Line.epoch(p.step(), p.epoch() + 1, rate.lr(p.step() - 1), speed.overall(), p.seconds(), p.epochLoss() / (perEpoch - p.leftOut()), last)
                .scaled(stage.step().scale());
        log.append(line);
        progress = p.evaluated(last, config.optimization().best() == TrainConfig.Best.BETTER);
        boolean best = progress.bestEpoch() == progress.epoch();
        write(best);
        listeners.forEach(l -> l.epoch(line, best));
        told();
        Curves.write(run.curves(), title(), run.log());
        speed.start();
        return true;
    }

    private void save() {
        begin();
        speed.pause();
        write(false);
        told();
        speed.start();
    }

    private void write(boolean best) {
        if (config.machine().checkpoints()) {
            progress = checkpoints.save(progress, best);
        }
    }

    private void told() {
        if (checkpoints.last() != null) {
            listeners.forEach(l -> l.saved(checkpoints.last()));
        }
    }

    /** @param step from 1 */
    private DivergedException diverged(long step, String problem, String got, String expected) {
        String where = Divergence.firstBad(stage.step().plan());
        String good = Optional.ofNullable(checkpoints.last()).map(p -> "last good checkpoint " + p).orElse("no checkpoint yet");
        return new DivergedException("step " + step, problem, got + ", first bad value: " + where, expected + "; " + good,
                "lower --lr or lengthen --warmup-epochs, then train again");
    }

    /** Saves nothing; frees everything that this trainer made. */
    @Override
    public void close() {
        open.push(this::leaveStage);
        RuntimeException first = null;
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (RuntimeException e) {
                first = first == null ? e : first;
            } catch (Exception e) {
                first = first == null ? new IllegalStateException(e) : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
