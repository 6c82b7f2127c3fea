package dev.jacquard.train;

import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Position;
import dev.jacquard.layers.Module;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.plan.State;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** A run's evaluation after each epoch: of the weights, and of their averages if there are any, on the held-out pictures at their final size whatever the stage. */
final class Validation implements AutoCloseable {
    private static final long CACHE_BYTES = 1L << 28;
    private static final int BATCH = 100;

    private final Loader loader;
    private final EvalStep step;

    /**
     * What an evaluation found.
     *
     * @param raw of the weights
     * @param averaged of their averages; null if there are none
     */
    record Result(Evaluation raw, Evaluation averaged) {}

    private Validation(Loader loader, EvalStep step) {
        this.loader = loader;
        this.step = step;
    }

    /** Opens the loader and plans the evaluation. @param averages of which variable which is the average; empty for none @param state has all of them */
    static Validation open(TrainConfig config, ImageSource images, Module module, Map<Variable, Variable> averages, State state) {
        int batch = Math.min(images.size(), BATCH);
        Loader loader = Experiment.open(Loader.evaluate(images, Experiment.evalTransform(config)).batch(batch).cacheDecoded(CACHE_BYTES), config);
        boolean done = false;
        try {
            TrainConfig.Optimization o = config.optimization();
            Validation v = new Validation(loader, EvalStep.of(module, new EvalStep.Settings(batch, config.data().evalImageSize(), config.model().channels(), Trainer.NORMALIZATION,
                    o.smoothEvalLoss() ? o.labelSmoothing() : 0, Experiment.precision(config)), averages, state));
            done = true;
            return v;
        } finally {
            if (!done) {
                loader.close();
            }
        }
    }

    /** Evaluates all pictures. @return null if cancelled */
    Result run(BooleanSupplier cancelled) {
        loader.seek(Position.START);
        List<Evaluation> found = step.run(loader, cancelled);
        return found == null ? null : new Result(found.getFirst(), found.size() > 1 ? found.get(1) : null);
    }

    int badImages() {
        return loader.badImages();
    }

    @Override
    public void close() {
        try (loader) {
            step.close();
        }
    }
}
