package dev.jacquard.layers;

import dev.jacquard.tensor.Initializer;

/**
 * First values of a layer that has weights and a bias.
 *
 * @param weight of the weights
 * @param zeroBias whether the bias begins at 0, as in TensorFlow, Paddle and torchvision's EfficientNet; else it is uniform in {@code +-1 / sqrt(fan-in)}, as PyTorch has it by
 *     default
 */
public record FirstValues(Initializer weight, boolean zeroBias) {
    /** What PyTorch does when nothing is said: both uniform in {@code +-1 / sqrt(fan-in)}. */
    public static final FirstValues STANDARD = new FirstValues(Initializers.standard(), false);

    /** These values with other weights. */
    FirstValues weight(Initializer other) {
        return new FirstValues(other, zeroBias);
    }

    /** Of a bias. @param fanIn inputs of an output */
    Initializer bias(long fanIn) {
        return zeroBias ? Initializer.ZEROS : Initializers.uniform(1 / Math.sqrt(fanIn));
    }
}
