package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.util.List;

/** 2-D pooling of NHWC images and its gradients; each channel for itself. */
public sealed interface Pooling extends Op {
    /** Kernel rows. */
    int r();

    /** Kernel columns. */
    int s();

    /** Stride and padding; no dilation. Padding is smaller than the kernel, so that every window holds a pixel. */
    Window window();

    private static TensorType output(Pooling op, TensorType x) {
        Types.rank(op, "images", x, 4, "(N, H, W, C)");
        Window win = op.window();
        if (Math.max(win.top(), win.bottom()) >= op.r() || Math.max(win.left(), win.right()) >= op.s() || win.dilationH() != 1 || win.dilationW() != 1) {
            throw new ShapeException(op.name(), "window has padding as large as the kernel, or dilation", win.toString(), "padding below " + op.r() + "x" + op.s()
                    + ", dilation 1", "check the attributes");
        }
        long oh = win.outH(x.shape().dim(1), op.r());
        long ow = win.outW(x.shape().dim(2), op.s());
        if (oh < 1 || ow < 1) {
            throw new ShapeException(op.name(), "kernel does not fit the padded image", x + " under " + op.r() + "x" + op.s(), "an output of at least 1x1",
                    "pad more, or use larger images");
        }
        return TensorType.of(x.dtype(), x.shape().dim(0), oh, ow, x.shape().dim(3));
    }

    private static TensorType image(Pooling op, TensorType dy, long h, long w) {
        Types.rank(op, "gradient", dy, 4, "(N, OH, OW, C)");
        TensorType x = TensorType.of(dy.dtype(), dy.shape().dim(0), h, w, dy.shape().dim(3));
        Types.shape(op, "gradient", dy, output(op, x));
        return x;
    }

    /** Largest of each window, and the tap (row * s + column, I32) that it came from, the first of equals. Padding never wins. NaN wins. */
    record MaxPool2d(int r, int s, Window window) implements Pooling {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            TensorType y = output(this, in.getFirst());
            return List.of(y, y.withDType(DType.I32));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** dx(N, h, w, C) from dy(N, OH, OW, C) and the taps of the forward: each gradient goes where the maximum came from. */
    record MaxPool2dBackward(int r, int s, Window window, long h, long w) implements Pooling {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            Types.dtype(this, "taps", in.get(1), DType.I32);
            Types.shape(this, "taps", in.get(1), in.get(0));
            return List.of(image(this, in.get(0), h, w));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce((long) r * s);
        }
    }

    /** The pixel at each window's tap: (N, H, W, C) and taps (N, OH, OW, C) to (N, OH, OW, C); the gradient of the gradient. */
    record MaxPool2dGather(int r, int s, Window window) implements Pooling {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            Types.dtype(this, "taps", in.get(1), DType.I32);
            TensorType y = output(this, in.get(0));
            Types.shape(this, "taps", in.get(1), y);
            return List.of(y);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** Mean of each window. Padding counts as zeros that are averaged over, or not at all. */
    record AvgPool2d(int r, int s, Window window, boolean countPadding) implements Pooling {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            Types.floating(this, in);
            return List.of(output(this, in.getFirst()));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce((long) r * s);
        }
    }

    /** dx(N, h, w, C) from dy(N, OH, OW, C): each gradient spread evenly over its window. */
    record AvgPool2dBackward(int r, int s, Window window, boolean countPadding, long h, long w) implements Pooling {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            Types.floating(this, in);
            return List.of(image(this, in.getFirst(), h, w));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce((long) r * s);
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        Window half = Window.of(2, 1);
        Window two = Window.of(2, 0);
        Window odd = new Window(1, 2, 0, 1, 1, 0, 1, 1);
        return List.of(
                OpRow.of(MaxPool2d.class, "largest of a window and its tap",
                        Sample.of(new MaxPool2d(3, 3, half), Operand.distinct(2, 8, 8, 17)), Sample.of(new MaxPool2d(2, 2, two), Operand.distinct(1, 7, 5, 3)),
                        Sample.of(new MaxPool2d(2, 3, odd), Operand.distinct(2, 5, 6, 33)), Sample.of(new MaxPool2d(3, 3, half), Operand.distinct(1, 1, 1, 4)),
                        Sample.of(new MaxPool2d(3, 3, half), Operand.distinct(2, 6, 5, 24)))
                        .refuses(new MaxPool2d(2, 2, Window.of(2, 2)), "padding", TensorType.f32(1, 4, 4, 3))
                        .refuses(new MaxPool2d(3, 3, two), "does not fit", TensorType.f32(1, 2, 2, 3)),
                OpRow.of(MaxPool2dBackward.class, "gradient to where the maximum was",
                        Sample.of(new MaxPool2dBackward(3, 3, Window.of(2, 0), 9, 9), Operand.of(2, 4, 4, 17), Operand.labels(9, 2, 4, 4, 17)),
                        Sample.of(new MaxPool2dBackward(2, 2, two, 7, 5), Operand.of(1, 3, 2, 3), Operand.labels(4, 1, 3, 2, 3)),
                        Sample.of(new MaxPool2dBackward(3, 3, Window.of(1, 0), 6, 5), Operand.of(1, 4, 3, 33), Operand.labels(9, 1, 4, 3, 33)),
                        Sample.of(new MaxPool2dBackward(3, 3, Window.of(2, 0), 9, 8), Operand.of(2, 4, 3, 24), Operand.labels(9, 2, 4, 3, 24))),
                OpRow.of(MaxPool2dGather.class, "pixel at each tap",
                        Sample.of(new MaxPool2dGather(3, 3, Window.of(2, 0)), Operand.of(2, 9, 9, 17), Operand.labels(9, 2, 4, 4, 17)),
                        Sample.of(new MaxPool2dGather(2, 2, two), Operand.of(1, 7, 5, 3), Operand.labels(4, 1, 3, 2, 3)),
                        Sample.of(new MaxPool2dGather(3, 3, Window.of(2, 0)), Operand.of(2, 9, 8, 24), Operand.labels(9, 2, 4, 3, 24))),
                OpRow.of(AvgPool2d.class, "mean of a window",
                        Sample.of(new AvgPool2d(3, 3, half, true), Operand.of(2, 8, 8, 17)), Sample.of(new AvgPool2d(3, 3, half, false), Operand.of(2, 7, 8, 3)),
                        Sample.of(new AvgPool2d(2, 3, odd, false), Operand.of(2, 5, 6, 33)), Sample.of(new AvgPool2d(7, 7, Window.of(1, 0), true), Operand.of(1, 7, 7, 5)),
                        Sample.of(new AvgPool2d(2, 2, two, true), Operand.of(2, 7, 6, 24))),
                OpRow.of(AvgPool2dBackward.class, "gradient spread over a window",
                        Sample.of(new AvgPool2dBackward(3, 3, half, true, 8, 8), Operand.of(2, 4, 4, 17)),
                        Sample.of(new AvgPool2dBackward(3, 3, half, false, 7, 8), Operand.of(2, 4, 4, 3)),
                        Sample.of(new AvgPool2dBackward(2, 3, odd, false, 5, 6), Operand.of(2, 5, 3, 33)),
                        Sample.of(new AvgPool2dBackward(3, 3, half, false, 7, 6), Operand.of(2, 4, 3, 24))));
    }
}
