package dev.jacquard.layers;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Window;

/** Largest of each window, channel by channel: (N, H, W, C) to (N, OH, OW, C). Padding never wins. */
public final class MaxPool2d extends Module {
    private final int kernel;
    private final Window window;
    private final boolean same;

    /** A square window. */
    public MaxPool2d(int kernel, Window window) {
        this(kernel, window, false);
    }

    /** A square window. @param same whether the padding is TensorFlow's SAME for the input at hand instead of the window's; see {@link Conv2d.Config} */
    public MaxPool2d(int kernel, Window window, boolean same) {
        this.kernel = kernel;
        this.window = window;
        this.same = same;
    }

    @Override
    protected Tensor forward(Tensor x) {
        return x.maxPool2d(kernel, kernel, same ? Window.same(window.strideH(), x.shape().dim(1), x.shape().dim(2), kernel, kernel) : window);
    }
}
