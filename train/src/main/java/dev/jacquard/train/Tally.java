package dev.jacquard.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Counts how right logits are. */
final class Tally {
    private final int classes;
    private final double smoothing;
    private double loss;
    private long top1;
    private long top5;
    private long images;

    /** @param classes number of logits of a picture @param smoothing of the loss's targets */
    Tally(int classes, double smoothing) {
        this.classes = classes;
        this.smoothing = smoothing;
    }

    /** Counts one picture: its rank is the number of classes that are not below its own, so that ties and NaN never count as right. @param logits F32 (N, classes) */
    void count(MemorySegment logits, int row, int label) {
        long at = (long) row * classes;
        float own = logits.getAtIndex(ValueLayout.JAVA_FLOAT, at + label);
        float max = Float.NEGATIVE_INFINITY;
        double sum = 0;
        int rank = 0;
        for (int c = 0; c < classes; c++) {
            float v = logits.getAtIndex(ValueLayout.JAVA_FLOAT, at + c);
            max = Math.max(max, v);
            sum += v;
            if (c != label && !(v < own)) {
                rank++;
            }
        }
        double powers = 0;
        for (int c = 0; c < classes; c++) {
            powers += Math.exp(logits.getAtIndex(ValueLayout.JAVA_FLOAT, at + c) - (double) max);
        }
        loss += max + Math.log(powers) - (1 - smoothing) * own - smoothing * sum / classes;
        top1 += rank < 1 ? 1 : 0;
        top5 += rank < 5 ? 1 : 0;
        images++;
    }

    Evaluation result() {
        return new Evaluation(loss / images, 100.0 * top1 / images, 100.0 * top5 / images, images);
    }
}
