package dev.jacquard.train;

import java.util.ArrayList;
import java.util.List;

/**
 * A part of a run in which image size, augmentation and mixing stay what they are (progressive learning: Tan and Le 2021, arXiv:2104.00298). Batch size and learning rate do not
 * know of stages.
 *
 * @param index from 0
 * @param firstEpoch from 0
 * @param epochs number of epochs
 * @param imageSize height and width that the network trains on
 * @param magnitude of RandAugment
 * @param mixup alpha of mixup
 * @param cutmix alpha of cutmix
 */
public record Stage(int index, int firstEpoch, int epochs, int imageSize, double magnitude, double mixup, double cutmix) {
    /**
     * The stages of a run, by the rule of NVIDIA's TensorFlow system: of n stages, number s trains on {@code int(base + (target - base) (s + 1) / n)} pixels, with strengths that
     * go from base to target in equal steps; each lasts {@code E / n} epochs, rounded down, and the last one takes the rest. One stage is the target.
     */
    public static List<Stage> of(TrainConfig config) {
        TrainConfig.Stages base = config.stages();
        TrainConfig.Data target = config.data();
        int n = base.count();
        int epochs = config.schedule().epochs();
        List<Stage> stages = new ArrayList<>();
        for (int s = 0; s < n; s++) {
            int first = s * (epochs / n);
            int size = n == 1 ? target.imageSize() : (int) (base.baseImageSize() + (long) (target.imageSize() - base.baseImageSize()) * (s + 1) / (double) n);
            stages.add(new Stage(s, first, s == n - 1 ? epochs - first : epochs / n, size, between(base.baseMagnitude(), target.magnitude(), s, n),
                    between(base.baseMixup(), target.mixup(), s, n), between(base.baseCutmix(), target.cutmix(), s, n)));
        }
        return List.copyOf(stages);
    }

    private static double between(double base, double target, int s, int n) {
        return n == 1 || s == n - 1 ? target : base + (target - base) * s / (n - 1);
    }

    /** Whether an epoch, from 0, is of this stage. */
    boolean has(int epoch) {
        return epoch >= firstEpoch && epoch < firstEpoch + epochs;
    }
}
