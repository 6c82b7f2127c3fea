package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Random;

/**
 * Stochastic depth (Huang et al. 2016, arXiv:1603.09382): in training a residual branch survives with a probability and is then divided by it, else it is 0; in
 * evaluation it is left alone.
 */
public final class DropPath extends Module {
    private final double survival;
    private final Mode mode;

    /** Who shares a fate. */
    public enum Mode {
        /** Each sample has its own, as in TensorFlow and torchvision ("row"). */
        SAMPLE,
        /** The whole batch has one, as in NVIDIA's PyTorch EfficientNet. */
        BATCH
    }

    /** @param survival probability that the branch is kept, in (0, 1] */
    public DropPath(double survival, Mode mode) {
        this.survival = Probability.survival("drop_path", survival);
        this.mode = mode;
    }

    @Override
    protected Tensor forward(Tensor x) {
        return survival == 1 || !x.context().training() ? x
                : x.context().dropout(x, survival, mode == Mode.SAMPLE ? Random.Dropout.Fate.SAMPLE : Random.Dropout.Fate.BATCH);
    }
}
