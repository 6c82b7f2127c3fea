package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;

/** Mean over height and width: (N, H, W, C) to (N, C). */
public final class GlobalAvgPool2d extends Module {
    /** The only kind there is. */
    public GlobalAvgPool2d() {}

    @Override
    protected Tensor forward(Tensor x) {
        return x.globalAvgPool2d();
    }
}
