package dev.jacquard.train;

import dev.jacquard.models.ModelOptions;

/** From settings to the objects that they describe. */
public final class Experiment {
    private Experiment() {}

    /** Options of the network. The number of classes must be known. */
    public static ModelOptions model(TrainConfig config) {
        TrainConfig.Model m = config.model();
        return new ModelOptions(m.classes(), m.channels(), m.padding(), m.initialization(), m.normMomentum(), m.normEps(), m.dropout(), m.survival(), m.dropPath(), m.zeroLastNorm());
    }
}
