package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;

/**
 * How the images of a training batch are mixed with one another, and their labels with them: mixup (Zhang et al. 2018, arXiv:1710.09412), cutmix (Yun et al. 2019,
 * arXiv:1905.04899), or both, each for half of the batch. Data only: {@link Mixer} draws the numbers, the device mixes.
 *
 * @param mixup alpha of mixup's Beta(alpha, alpha), 0 for no mixup
 * @param cutmix alpha of cutmix's Beta(alpha, alpha), 0 for no cutmix
 * @param form who is mixed with whom, and by how many weights
 */
public record Mixing(double mixup, double cutmix, Form form) {
    /** Images stay as they are. */
    public static final Mixing NONE = new Mixing(0, 0, Form.PYTORCH);

    /** Whose rules: of NVIDIA's ConvNets for PyTorch, or of its EfficientNet for TensorFlow 2. */
    public enum Form {
        /**
         * Partners by a random permutation of the batch; one weight per batch, as it is drawn. (The published program has no cutmix; here it follows the TensorFlow one but for the
         * partners.)
         */
        PYTORCH,
        /** Partners from the reversed batch; a weight w per image, folded to max(w, 1 - w), so that an image stays the larger part of itself. */
        TENSORFLOW
    }

    /** Checks the ranges. @throws CallerException if an alpha is negative, infinite or no number */
    public Mixing {
        check("mixup", mixup);
        check("cutmix", cutmix);
    }

    private static void check(String what, double alpha) {
        if (!(alpha >= 0 && alpha < Double.POSITIVE_INFINITY)) {
            throw new CallerException(what, "alpha out of range", Double.toString(alpha), "a finite number, 0 or more", "0.2 is usual for mixup, 1 for cutmix, 0 is none");
        }
    }

    /** Whether anything is mixed. */
    public boolean enabled() {
        return mixup > 0 || cutmix > 0;
    }

    /** How many images of a batch, from its first on, mixup takes; cutmix takes the others. With both it is the first half, rounded down, as in the TensorFlow program. */
    int mixed(int batch) {
        return cutmix == 0 ? batch : mixup == 0 ? 0 : batch / 2;
    }
}
