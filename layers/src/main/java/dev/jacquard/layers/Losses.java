package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Loss;

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
        return logits.apply(new Loss.SoftCrossEntropy(), targets);
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
        return logits.apply(new Loss.CrossEntropy(smoothing), labels);
    }
}
