package dev.jacquard.train;

import dev.jacquard.layers.MovingAverage;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Tensor;

/**
 * How averages of the weights are kept beside them: {@code ema = d ema + (1 - d) x} over parameters and running statistics.
 *
 * @param decay d, in [0, 1)
 * @param cadence when they move
 * @param warmUp whether d begins small and rises, {@code min(d, (1 + t) / (10 + t))}
 */
public record Averaging(double decay, Cadence cadence, boolean warmUp) {
    /** When averages move, and what the warm-up counts. */
    public enum Cadence {
        /** With every step, also those that only add up gradients, as NVIDIA's PyTorch system does; t is the step, from 0. */
        STEP,
        /** With every update of the parameters, as NVIDIA's TensorFlow system does; t is the number of updates, this one included. */
        UPDATE
    }

    /** Checks the range. @throws CallerException if it is out of range */
    public Averaging {
        if (!(decay >= 0 && decay < 1)) {
            throw new CallerException("average", "decay out of range", Double.toString(decay), "0 <= decay < 1", "0.9999 is usual");
        }
    }

    /** Whether the decay is a function of the number of updates made: with loss scaling the device alone knows it, as a skipped step is none. */
    boolean countsUpdates() {
        return warmUp && cadence == Cadence.UPDATE;
    }

    /** What an average keeps of itself, F32 (), where that {@link #countsUpdates}. @param updates made, this one included, I32 () */
    Tensor decay(Tensor updates) {
        return MovingAverage.warmed(decay, updates);
    }

    /** What an average keeps of itself at a step. @param step from 0 @param accumulation steps that make one update */
    double decay(long step, int accumulation) {
        return !warmUp ? decay : MovingAverage.warmed(decay, cadence == Cadence.STEP ? step : (step + 1) / accumulation);
    }
}
