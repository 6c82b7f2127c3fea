package dev.jacquard.tck.reference;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Pooling;
import java.util.List;

/** Pooling and its gradients. */
final class PoolingKernels {
    private PoolingKernels() {}

    static void rows() {
        Kernels.all(Pooling.MaxPool2d.class, PoolingKernels::maxPool);
        Kernels.one(Pooling.MaxPool2dBackward.class, (op, in, type) -> {
            double[] dx = new double[Math.toIntExact(type.shape().size())];
            windows(op, type.shape(), in.getFirst().shape(), (ix, tap, iy) -> {
                if (tap == in.get(1).values()[iy]) {
                    dx[ix] += in.get(0).values()[iy];
                }
            });
            return dx;
        });
        Kernels.one(Pooling.MaxPool2dGather.class, (op, in, type) -> {
            double[] y = new double[Math.toIntExact(type.shape().size())];
            windows(op, in.getFirst().shape(), type.shape(), (ix, tap, iy) -> {
                if (tap == in.get(1).values()[iy]) {
                    y[iy] = in.get(0).values()[ix];
                }
            });
            return y;
        });
        Kernels.one(Pooling.AvgPool2d.class, (op, in, type) -> {
            double[] y = new double[Math.toIntExact(type.shape().size())];
            int[] counts = counts(op, op.countPadding(), in.getFirst().shape(), type.shape());
            windows(op, in.getFirst().shape(), type.shape(), (ix, tap, iy) -> y[iy] += in.getFirst().values()[ix] / counts[iy]);
            return y;
        });
        Kernels.one(Pooling.AvgPool2dBackward.class, (op, in, type) -> {
            double[] dx = new double[Math.toIntExact(type.shape().size())];
            int[] counts = counts(op, op.countPadding(), type.shape(), in.getFirst().shape());
            windows(op, type.shape(), in.getFirst().shape(), (ix, tap, iy) -> dx[ix] += in.getFirst().values()[iy] / counts[iy]);
            return dx;
        });
    }

    private static List<double[]> maxPool(Pooling.MaxPool2d op, List<Array> in, List<TensorType> types) {
        List<double[]> out = ReferenceBackend.zeros(types);
        double[] y = out.get(0);
        double[] taps = out.get(1);
        double[] x = in.getFirst().values();
        java.util.Arrays.fill(taps, -1);
        windows(op, in.getFirst().shape(), types.getFirst().shape(), (ix, tap, iy) -> {
            boolean first = taps[iy] < 0;
            boolean newNaN = Double.isNaN(x[ix]) && !Double.isNaN(y[iy]);
            if (first || x[ix] > y[iy] || newNaN) {
                y[iy] = x[ix];
                taps[iy] = tap;
            }
        });
        return out;
    }

    /** By how much each window's sum is divided. */
    private static int[] counts(Pooling op, boolean countPadding, Shape x, Shape y) {
        int[] counts = new int[Math.toIntExact(y.size())];
        if (countPadding) {
            java.util.Arrays.fill(counts, op.r() * op.s());
        } else {
            windows(op, x, y, (ix, tap, iy) -> counts[iy]++);
        }
        return counts;
    }

    /** One pixel of one window: its position in the images, its tap, the window's position in the output. */
    @FunctionalInterface
    private interface Pixel {
        void see(int x, int tap, int y);
    }

    /** Every pixel of every window, taps in order; padding is left out. */
    private static void windows(Pooling op, Shape x, Shape y, Pixel pixel) {
        Index.forEach(y, (at, iy) -> {
            for (int tap = 0; tap < op.r() * op.s(); tap++) {
                long h = at[1] * op.window().strideH() - op.window().top() + tap / op.s();
                long w = at[2] * op.window().strideW() - op.window().left() + tap % op.s();
                if (h >= 0 && h < x.dim(1) && w >= 0 && w < x.dim(2)) {
                    pixel.see(Index.flat(x, at[0], h, w, at[3]), tap, iy);
                }
            }
        });
    }
}
