package dev.jacquard.mixedprecision;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.op.LossScaling;

/**
 * How the loss is scaled, so that small gradients do not vanish in F16 (Micikevicius et al. 2018, arXiv:1710.03740).
 *
 * @param initial the scale of the first step
 * @param growth what it is multiplied by after {@code interval} good steps in a row; 1 for a scale that does not grow
 * @param interval good steps before it grows
 * @param backoff what it is multiplied by after {@code patience} bad steps in a row; 1 for a scale that does not shrink
 * @param patience bad steps before it shrinks
 * @param minimum what it does not shrink below; 0 for no such bound
 */
public record LossScale(double initial, double growth, int interval, double backoff, int patience, double minimum) {
    /** Checks the attributes. @throws CallerException if the first scale is not positive and finite, or the rule makes no sense */
    public LossScale {
        if (!(initial > 0 && initial <= Float.MAX_VALUE && minimum >= 0 && minimum <= initial)) {
            throw new CallerException("loss scale", "out of range", initial + ", at least " + minimum, "a positive finite scale, not below its minimum",
                    "use 65536, PyTorch's first one");
        }
        new LossScaling.UpdateScale(growth, interval, backoff, patience, minimum);
    }

    /** PyTorch's {@code GradScaler} as it comes: 65536, doubled after 2000 good steps, halved after each bad one. */
    public static LossScale pytorch() {
        return new LossScale(65536, 2, 2000, 0.5, 1, 0);
    }

    /** Keras 2's {@code LossScaleOptimizer} (tf.keras) as it comes: 32768, doubled after 2000 good steps, halved after each bad one, at least 1. */
    public static LossScale keras() {
        return new LossScale(32768, 2, 2000, 0.5, 1, 1);
    }

    /** Paddle's {@code AmpScaler} as fleet sets it: 32768, doubled after 1000 good steps, times 0.8 after two bad ones in a row, at least 1. */
    public static LossScale paddle() {
        return new LossScale(32768, 2, 1000, 0.8, 2, 1);
    }

    /** Always the same scale; bad steps are skipped nevertheless. */
    public static LossScale fixed(double scale) {
        return new LossScale(scale, 1, 1, 1, 1, 0);
    }
}
