package dev.jacquard.tck.reference;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Window;
import java.util.List;

/** Matrix products and convolutions. */
final class ProductKernels {
    private ProductKernels() {}

    static void rows() {
        Kernels.one(MatMul.class, ProductKernels::matmul);
        Kernels.one(Conv2d.class, (op, in, type) -> {
            double[] y = zeros(type);
            double[] x = in.get(0).values();
            double[] w = in.get(1).values();
            taps(in.get(0).type(), in.get(1).type(), type, op.window(), (ix, iw, iy) -> y[iy] += x[ix] * w[iw]);
            return y;
        });
        Kernels.one(Conv2dBackwardData.class, (op, in, type) -> {
            double[] dx = zeros(type);
            double[] dy = in.get(0).values();
            double[] w = in.get(1).values();
            taps(type, in.get(1).type(), in.get(0).type(), op.window(), (ix, iw, iy) -> dx[ix] += dy[iy] * w[iw]);
            return dx;
        });
        Kernels.one(Conv2dBackwardWeight.class, (op, in, type) -> {
            double[] dw = zeros(type);
            double[] x = in.get(0).values();
            double[] dy = in.get(1).values();
            taps(in.get(0).type(), type, in.get(1).type(), op.window(), (ix, iw, iy) -> dw[iw] += x[ix] * dy[iy]);
            return dw;
        });
    }

    private static double[] zeros(TensorType type) {
        return new double[Math.toIntExact(type.shape().size())];
    }

    private static double[] matmul(MatMul op, List<Array> in, TensorType type) {
        Array a = in.get(0);
        Array b = in.get(1);
        int m = type.shape().intDim(0);
        int n = type.shape().intDim(1);
        int k = a.dim(op.transposeA() ? 0 : 1);
        double[] y = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                for (int l = 0; l < k; l++) {
                    double left = a.values()[op.transposeA() ? l * m + i : i * k + l];
                    double right = b.values()[op.transposeB() ? j * k + l : l * n + j];
                    y[i * n + j] += left * right;
                }
            }
        }
        return y;
    }

    /** One multiplication of a convolution: positions, row-major, in the images, the weights and the output. */
    @FunctionalInterface
    private interface Tap {
        void multiply(int x, int w, int y);
    }

    /** All multiplications of images x(N, H, W, C) with weights w(K, R, S, C/groups) that make y(N, OH, OW, K). Those with padding are left out. */
    private static void taps(TensorType x, TensorType w, TensorType y, Window window, Tap tap) {
        int rows = x.shape().intDim(1);
        int columns = x.shape().intDim(2);
        int channels = x.shape().intDim(3);
        int perGroup = w.shape().intDim(3);
        int groups = perGroup == 0 ? 1 : channels / perGroup;
        int filtersPerGroup = w.shape().intDim(0) / groups;
        Index.forEach(y.shape(), (at, iy) -> {
            int group = (int) at[3] / filtersPerGroup;
            for (int r = 0; r < w.shape().dim(1); r++) {
                for (int s = 0; s < w.shape().dim(2); s++) {
                    long h = at[1] * window.strideH() - window.top() + (long) r * window.dilationH();
                    long v = at[2] * window.strideW() - window.left() + (long) s * window.dilationW();
                    if (h < 0 || h >= rows || v < 0 || v >= columns) {
                        continue;
                    }
                    for (int c = 0; c < perGroup; c++) {
                        tap.multiply(Index.flat(x.shape(), at[0], h, v, group * perGroup + c), Index.flat(w.shape(), at[3], r, s, c), iy);
                    }
                }
            }
        });
    }
}
