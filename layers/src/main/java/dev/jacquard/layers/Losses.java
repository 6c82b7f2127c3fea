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

    /**
     * Cross-entropy with the labels of two mixed images: targets of {@code w onehot(label) + (1 - w) onehot(partner label)}, then smoothed. Where a backend has a kernel, no target
     * is ever in memory.
     *
     * @param logits (N, C)
     * @param labels I32 (N), each in [0, C)
     * @param partnerLabels I32 (N), likewise
     * @param weights (N) of the logits' type, each the part of the image itself in [0, 1]
     * @param smoothing e, in [0, 1)
     */
    public static Tensor mixedCrossEntropy(Tensor logits, Tensor labels, Tensor partnerLabels, Tensor weights, double smoothing) {
        return logits.apply(new Loss.MixedCrossEntropy(smoothing), labels, partnerLabels, weights);
    }
}
