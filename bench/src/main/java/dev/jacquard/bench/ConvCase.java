package dev.jacquard.bench;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Window;
import java.util.Locale;
import java.util.Set;

/**
 * A convolution of {@link ConvSweep}: images x(n, h, w, c), weights (k, r, s, c / groups).
 *
 * @param networks where it comes from
 * @param epilogue what follows its sums in an evaluation
 */
record ConvCase(Set<String> networks, int n, int h, int w, int c, int k, int r, int s, Window window, int groups, Epilogue epilogue) {
    /** {@code activation(y * scale + shift + r)}. @param residual whether there is an r */
    record Epilogue(Nonlinearity activation, boolean residual) {
        @Override
        public String toString() {
            return "scale+shift" + (residual ? "+add" : "") + (activation == Nonlinearity.NONE ? "" : "+" + activation.name().toLowerCase(Locale.ROOT));
        }
    }

    /** The kinds that have kernels of their own. */
    enum Family { DENSE, GROUPED, DEPTHWISE }

    /** Kind of kernel. */
    Family family() {
        return groups == 1 ? Family.DENSE : groups == c ? Family.DEPTHWISE : Family.GROUPED;
    }

    /** {@code 56x56 3x3 s2 g32 256-512}; padding is named where it is not half the kernel. */
    String name() {
        String stride = window.strideH() == 1 ? "" : " s" + window.strideH();
        String padding = window.equals(Window.of(window.strideH(), r / 2)) && r == s ? "" : " p%d.%d.%d.%d".formatted(window.top(), window.bottom(), window.left(), window.right());
        String group = switch (family()) {
            case DENSE -> "";
            case GROUPED -> " g" + groups;
            case DEPTHWISE -> " dw";
        };
        return "%dx%d %dx%d%s%s%s %s".formatted(h, w, r, s, stride, padding, group, family() == Family.DEPTHWISE && k == c ? c : c + "-" + k);
    }

    int outH() {
        return Math.toIntExact(window.outH(h, r));
    }

    int outW() {
        return Math.toIntExact(window.outW(w, s));
    }

    TensorType images() {
        return TensorType.f32(n, h, w, c);
    }

    TensorType weights() {
        return TensorType.f32(k, r, s, c / groups);
    }

    TensorType results() {
        return TensorType.f32(n, outH(), outW(), k);
    }

    /** FLOPs of any of its passes, two a multiply-add, of taps that lie within the image. */
    double usefulFlops() {
        long rows = inside(outH(), r, window.strideH(), window.top(), window.dilationH(), h);
        long columns = inside(outW(), s, window.strideW(), window.left(), window.dilationW(), w);
        return 2.0 * n * rows * columns * k * (c / groups);
    }

    /** The same with taps on padding, as most tables count. */
    double paddedFlops() {
        return 2.0 * n * outH() * r * outW() * s * k * (c / groups);
    }

    private static long inside(int out, int taps, int stride, int before, int dilation, int size) {
        long count = 0;
        for (int o = 0; o < out; o++) {
            for (int t = 0; t < taps; t++) {
                int i = o * stride - before + t * dilation;
                count += i >= 0 && i < size ? 1 : 0;
            }
        }
        return count;
    }

    /** The same of other networks. */
    ConvCase from(Set<String> names) {
        return new ConvCase(names, n, h, w, c, k, r, s, window, groups, epilogue);
    }
}
