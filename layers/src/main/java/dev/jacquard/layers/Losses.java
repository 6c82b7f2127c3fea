package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Pointwise;

/** Losses: scalars, means over the batch. */
public final class Losses {
    private Losses() {}

    /**
     * Cross-entropy with soft targets: {@code -mean_n sum_c targets log(softmax(logits))}.
     *
     * @param logits (N, C)
     * @param targets (N, C), rows that sum to 1
     */
    public static Tensor crossEntropy(Tensor logits, Tensor targets) {
        if (logits.shape().rank() != 2 || !logits.shape().equals(targets.shape())) {
            throw new ShapeException("cross_entropy", "logits and targets do not fit", logits.shape() + " and " + targets.shape(), "(N, C) twice", "check the number of classes");
        }
        return logits.logSoftmax().mul(targets).sum().mul(-1.0 / Math.max(logits.shape().dim(0), 1));
    }

    /**
     * Cross-entropy with labels, smoothed (Szegedy et al. 2016, arXiv:1512.00567): the label's class has a target of {@code 1 - e + e / C}, the others
     * {@code e / C}.
     *
     * @param logits (N, C)
     * @param labels I32 (N), each in [0, C)
     * @param smoothing e, in [0, 1)
     */
    public static Tensor crossEntropy(Tensor logits, Tensor labels, double smoothing) {
        if (!(smoothing >= 0 && smoothing < 1)) {
            throw new CallerException("cross_entropy", "smoothing out of range", Double.toString(smoothing), "[0, 1)", "0.1 is usual, 0 is none");
        }
        if (logits.shape().rank() != 2 || labels.shape().rank() != 1 || logits.shape().dim(0) != labels.shape().dim(0)) {
            throw new ShapeException("cross_entropy", "logits and labels do not fit", logits.shape() + " and " + labels.shape(), "(N, C) and (N)", "give one label per row");
        }
        long classes = logits.shape().dim(1);
        Tensor exact = labels.oneHot(classes);
        return crossEntropy(logits, smoothing == 0 ? exact : exact.apply(new Pointwise.Affine(1 - smoothing, smoothing / classes)));
    }
}
