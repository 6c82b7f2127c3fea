package dev.jacquard.train;

import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Batch;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Normalization;
import dev.jacquard.data.Position;
import dev.jacquard.data.Transform;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Schedule;
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
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Trains a network in a run folder: epochs of planned steps, an evaluation and a checkpoint after each, a log with curves. Continues from the newest whole
 * checkpoint of the folder, if there is one, exactly as if it had never been interrupted.
 *
 * <p>One thread calls {@link #fit}; {@link #stop} may be called by any.
 */
public final class Trainer implements AutoCloseable {
    /** ImageNet's constants serve every data set well enough, and weights then fit together. */
    public static final Normalization NORMALIZATION = Normalization.IMAGENET;

    private static final long CACHE_BYTES = 1L << 30;
    private static final int EVAL_BATCH = 100;

    private final TrainConfig config;
    private final Setup setup;
    private final RunFolder run;
    private final State state;
    private final TrainStep step;
    private final EvalStep eval;
    private final Loader trainLoader;
    private final Loader valLoader;
    private final Schedule schedule;
    private final Checkpoints checkpoints;
    private final List<TrainListener> listeners = new ArrayList<>();
    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final Speed speed = new Speed();
    private volatile boolean stopping;
    private RunLog log;
    private Progress progress;
    private Evaluation lastEvaluation;

    /**
     * What a trainer is given; all of it stays the caller's to close.
     *
     * @param config what to do; {@code classes} is that of the sources
     * @param module the network
     * @param backend where
     * @param train pictures to learn from
     * @param val held-out pictures of the same classes
     */
    public record Setup(TrainConfig config, Module module, Backend backend, ImageSource train, ImageSource val) {
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
            this.state = keep(new State(setup.backend));
            this.trainLoader = keep(trainLoader());
            this.valLoader = keep(valLoader());
            long perEpoch = trainLoader.batchesPerEpoch();
            this.schedule = Experiment.learningRate(config).schedule(perEpoch);
            Optimizer optimizer = Experiment.optimizer(config, setup.module);
            this.step = keep(TrainStep.of(setup.module, optimizer,
                    new TrainStep.Settings(config.batch().size(), config.data().imageSize(), NORMALIZATION, config.optimization().labelSmoothing(), config.optimization().seed()), state));
            this.eval = keep(EvalStep.of(setup.module, evalBatch(setup.val), config.data().imageSize(), NORMALIZATION, state));
            this.checkpoints = new Checkpoints(run, setup.module, optimizer, state, config.machine().keep(), weightsMetadata());
            Optional<Progress> saved = checkpoints.restore();
            this.progress = saved.orElseGet(() -> Progress.start(setup.train.size(), config));
            requireSameRun();
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

    private Loader trainLoader() {
        TrainConfig.Data d = config.data();
        Loader.Builder b = Loader.train(setup.train, new Transform.Train(d.imageSize(), d.minScale(), d.maxScale(), 3.0 / 4, 4.0 / 3, d.flip()))
                .batch(config.batch().size()).seed(config.optimization().seed()).cacheDecoded(CACHE_BYTES);
        return config.machine().loaderThreads() > 0 ? b.threads(config.machine().loaderThreads()).open() : b.open();
    }

    private Loader valLoader() {
        Loader.Builder b = Loader.evaluate(setup.val, Transform.Eval.of(config.data().imageSize())).batch(evalBatch(setup.val)).cacheDecoded(CACHE_BYTES / 4);
        return config.machine().loaderThreads() > 0 ? b.threads(config.machine().loaderThreads()).open() : b.open();
    }

    private static int evalBatch(ImageSource val) {
        return Math.min(val.size(), EVAL_BATCH);
    }

    private Map<String, String> weightsMetadata() {
        List<String> classes = setup.train.classes();
        Map<String, String> strings = new TreeMap<>(Weights.metadata(config.arch(), classes.size(), classes));
        strings.put(Predictor.IMAGE_SIZE, Integer.toString(config.data().imageSize()));
        return strings;
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
        return (long) config.schedule().epochs() * trainLoader.batchesPerEpoch();
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
        stopping = true;
    }

    /**
     * Trains until all epochs are done, or until {@link #stop}.
     *
     * @throws DivergedException if the loss stops being a number; the message names the step, the first bad op, and the last good checkpoint
     * @throws DataException if no picture can be decoded or the disk refuses
     */
    public Outcome fit() {
        boolean epochTrained = progress.batch() == trainLoader.batchesPerEpoch();
        trainLoader.seek(new Position(progress.epoch() + (epochTrained ? 1 : 0), epochTrained ? 0 : progress.batch()));
        speed.start();
        boolean complete = progress.epoch() >= config.schedule().epochs();
        if (complete) {
            begin();
        }
        while (!complete) {
            if (progress.batch() < trainLoader.batchesPerEpoch() && !trainEpoch() || !endEpoch()) {
                save();
                break;
            }
            complete = progress.epoch() >= config.schedule().epochs();
        }
        Outcome o = new Outcome(complete, progress.step(), progress.epoch(), lastEvaluation, progress.bestTop1() < 0 ? null : progress.bestTop1(), speed.overall(), progress.seconds(),
                trainLoader.badImages() + valLoader.badImages());
        Json.write(run.result(), Json.pretty(o));
        Curves.write(run.curves(), title(), run.log());
        return o;
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

    /** Trains to the end of the epoch. @return whether it came to it */
    private boolean trainEpoch() {
        int every = config.machine().logSteps();
        int save = config.machine().checkpointSteps();
        long n = progress.step();
        int batchInEpoch = progress.batch();
        double epochLoss = progress.epochLoss();
        double recent = 0;
        int counted = 0;
        int perEpoch = trainLoader.batchesPerEpoch();
        int images = feed(batchInEpoch < perEpoch);
        while (images > 0 && !stopping) {
            begin();
            double lr = schedule.lr(n);
            step.compute(n, lr);
            int computing = images;
            images = feed(batchInEpoch + 1 < perEpoch); // while a device computes
            float loss = step.loss();
            if (!Float.isFinite(loss)) {
                throw diverged(n, loss);
            }
            step.commit();
            n++;
            batchInEpoch++;
            epochLoss += loss;
            recent += loss;
            counted++;
            speed.count(computing);
            boolean line = n % every == 0 || batchInEpoch == perEpoch;
            tell(n, recent / counted, lr);
            if (line) {
                log.append(RunLog.Line.step(n, progress.epoch() + 1, recent / counted, lr, speed.recent(), progress.seconds() + speed.unsaved()));
                recent = 0;
                counted = 0;
            }
            if (save > 0 && n % save == 0 && batchInEpoch < perEpoch) {
                advance(n, batchInEpoch, epochLoss);
                save();
            }
        }
        advance(n, batchInEpoch, epochLoss);
        if (batchInEpoch == perEpoch && !stopping) {
            trainLoader.next(); // the null at the epoch's end
        }
        return batchInEpoch == perEpoch;
    }

    /** Feeds the epoch's next batch, if there is one. @return its images; 0 at the end */
    private int feed(boolean more) {
        Batch batch = more && !stopping ? trainLoader.next() : null;
        if (batch == null) {
            return 0;
        }
        step.feed(batch.images(), batch.labels());
        return batch.count();
    }

    private void tell(long n, double loss, double lr) {
        for (int i = 0; i < listeners.size(); i++) {
            listeners.get(i).step(n, totalSteps(), progress.epoch() + 1, loss, lr, speed.recent());
        }
    }

    private void advance(long n, int batch, double epochLoss) {
        Progress p = progress;
        progress = new Progress(n, p.epoch(), batch, epochLoss, p.bestTop1(), p.bestCheckpoint(), p.seconds() + speed.take(), p.trainImages(), p.config());
    }

    /** Evaluates, logs, saves. @return false if asked to stop before the evaluation was through */
    private boolean endEpoch() {
        begin();
        speed.pause();
        Progress p = progress;
        listeners.forEach(l -> l.evaluating(p.epoch() + 1));
        valLoader.seek(Position.START);
        Evaluation e = eval.run(valLoader, () -> stopping);
        if (e == null) {
            return false;
        }
        lastEvaluation = e;
        boolean best = e.top1() > p.bestTop1();
        RunLog.Line line = RunLog.Line.epoch(p.step(), p.epoch() + 1, schedule.lr(p.step() - 1), speed.overall(), p.seconds(), p.epochLoss() / trainLoader.batchesPerEpoch(), e);
        log.append(line);
        progress = new Progress(p.step(), p.epoch() + 1, 0, 0, best ? e.top1() : p.bestTop1(), p.bestCheckpoint(), p.seconds(), p.trainImages(), p.config());
        progress = checkpoints.save(progress, best);
        listeners.forEach(l -> l.epoch(line, best));
        told();
        Curves.write(run.curves(), title(), run.log());
        speed.start();
        return true;
    }

    private void save() {
        begin();
        speed.pause();
        progress = checkpoints.save(progress, false);
        told();
        speed.start();
    }

    private void told() {
        listeners.forEach(l -> l.saved(checkpoints.last()));
    }

    private DivergedException diverged(long n, float loss) {
        String where = Divergence.firstBad(step.plan());
        String good = Optional.ofNullable(checkpoints.last()).map(p -> "last good checkpoint " + p).orElse("no checkpoint yet");
        return new DivergedException("step " + (n + 1), "the loss is not a number", "loss " + loss + ", first bad value: " + where, "a finite loss; " + good,
                "lower --lr or lengthen --warmup-epochs, then train again");
    }

    /** Saves nothing; frees everything that this trainer made. */
    @Override
    public void close() {
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
