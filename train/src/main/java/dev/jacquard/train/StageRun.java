package dev.jacquard.train;

import dev.jacquard.data.Batch;
import dev.jacquard.data.ImageCache;
import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Mixer;
import dev.jacquard.data.Mixing;
import dev.jacquard.data.Position;
import dev.jacquard.data.StageTimes;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.tensor.plan.State;

/** A stage at work: pictures of its size, prepared with its strength, and the planned step that learns from them. The state outlives it. */
final class StageRun implements AutoCloseable {
    private final Stage stage;
    private final Loader loader;
    private final TrainStep step;
    /** Null if nothing is mixed. */
    private final Mixer mixer;

    private StageRun(Stage stage, Loader loader, TrainStep step, Mixer mixer) {
        this.stage = stage;
        this.loader = loader;
        this.step = step;
        this.mixer = mixer;
    }

    /** Opens the loader and plans the step; what the step needs is added to the state unless it is there. @param decoded pictures that earlier stages have decoded */
    static StageRun open(Stage stage, TrainConfig config, ImageSource images, ImageCache decoded, Module module, Optimizer optimizer, State state) {
        int batch = config.batch().size();
        long seed = config.optimization().seed();
        Mixing mixing = Experiment.mixing(config, stage);
        Loader loader = Experiment.open(Loader.train(images, Experiment.transform(config, stage)).batch(batch).seed(seed).cache(decoded), config);
        boolean done = false;
        try {
            TrainStep step = TrainStep.of(module, optimizer, Experiment.step(config, stage), state);
            done = true;
            return new StageRun(stage, loader, step, mixing.enabled() ? new Mixer(mixing, batch, stage.imageSize(), stage.imageSize(), seed) : null);
        } finally {
            if (!done) {
                loader.close();
            }
        }
    }

    Stage stage() {
        return stage;
    }

    TrainStep step() {
        return step;
    }

    /** Makes a batch the next one to be fed. */
    void seek(Position position) {
        loader.seek(position);
    }

    /** Feeds the next batch, for the step after the one at hand. @return its images; 0 at the epoch's end, once */
    int feed() {
        Position at = loader.position();
        Batch batch = loader.next();
        if (batch == null) {
            return 0;
        }
        if (mixer == null) {
            step.feed(batch.images(), batch.labels());
        } else {
            mixer.draw(at, batch.labels());
            step.feed(batch.images(), batch.labels(), mixer);
        }
        return batch.count();
    }

    /** Nanoseconds for which {@link #feed} has waited for pictures so far. */
    long waitedNanos() {
        return loader.waitedNanos();
    }

    /** Where the time of the loader's threads went so far. */
    StageTimes times() {
        return loader.times();
    }

    /** Threads of the loader. */
    int loaderThreads() {
        return loader.threads();
    }

    /** Frees the plan, the loader and the mixer. */
    @Override
    public void close() {
        try (loader; step) {
            if (mixer != null) {
                mixer.close();
            }
        }
    }
}
