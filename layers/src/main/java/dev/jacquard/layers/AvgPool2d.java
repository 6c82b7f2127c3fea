package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Window;

/** Mean of each window, channel by channel: (N, H, W, C) to (N, OH, OW, C). Padding counts as zeros. */
public final class AvgPool2d extends Module {
    private final int kernel;
    private final Window window;

    /** A square window. */
    public AvgPool2d(int kernel, Window window) {
        this.kernel = kernel;
        this.window = window;
    }

    @Override
    protected Tensor forward(Tensor x) {
        return x.avgPool2d(kernel, kernel, window);
    }
}
