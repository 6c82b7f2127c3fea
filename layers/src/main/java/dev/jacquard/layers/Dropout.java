package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Random;

/** In training sets elements to 0 with probability p and divides the others by 1 - p (Srivastava et al. 2014, JMLR 15); in evaluation does nothing. */
public final class Dropout extends Module {
    private final double survival;

    /** @param p probability of being dropped, in [0, 1) */
    public Dropout(double p) {
        this.survival = Probability.survival("dropout", 1 - p);
    }

    @Override
    protected Tensor forward(Tensor x) {
        return survival == 1 || !x.context().training() ? x : x.context().dropout(x, survival, Random.Dropout.Fate.ELEMENT);
    }
}
