package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products and convolutions by wgmma and tensor maps: every candidate against the double reference, with guard bands and twice. */
class HopperProductTest {
    /** Runs a sample on each of its candidates of this kind. @return their names */
    static List<String> onEachCandidate(Sample sample, DType dtype) {
        List<String> ours = new ArrayList<>();
        for (int[] turn = {0}; turn[0] == 0 || turn[0] < ours.size(); turn[0]++) {
            MatrixOptions options = new MatrixOptions(false, (op, in, names) -> {
                ours.clear();
                names.stream().filter(n -> n.startsWith("wgmma")).forEach(ours::add);
                assertFalse(ours.isEmpty(), "no candidate for " + op + " of " + in);
                return names.indexOf(ours.get(turn[0]));
            });
            try (CudaBackend cuda = new CudaBackend("emulator", new EmulatorDriver(), false, options)) {
                OpCheck.forward(cuda, sample, dtype, Variant.CONTIGUOUS, turn[0]);
            }
        }
        return ours;
    }

    private static List<String> product(int m, int n, int k, boolean transposeA, boolean transposeB, DType dtype) {
        return onEachCandidate(Sample.of(new MatMul(transposeA, transposeB), transposeA ? Operand.of(k, m) : Operand.of(m, k), transposeB ? Operand.of(n, k) : Operand.of(k, n)), dtype);
    }

    /** Less than a tile, a whole one, more than one in each direction; depths of less than a slice, of more than the ring has stages, and in parts. */
    @ParameterizedTest
    @CsvSource({"8, 8, 8, F16", "8, 8, 8, BF16", "128, 64, 64, BF16", "200, 328, 72, F16", "136, 136, 328, BF16", "64, 72, 1096, F16"})
    void products(int m, int n, int k, DType dtype) {
        product(m, n, k, false, true, dtype);
        product(m, n, k, false, false, dtype);
        product(m, n, k, true, false, dtype);
    }

    @ParameterizedTest
    @CsvSource({"1, 8", "127, 72", "129, 200"})
    void rowsThatAreNoMultiples(int m, int n) {
        product(m, n, 72, false, true, DType.F16);
        product(m, n, 72, false, false, DType.BF16);
    }

    private static void convolution(Window window, int n, int h, int w, int c, int k, int r, int s, DType dtype) {
        Operand x = Operand.of(n, h, w, c);
        Operand filter = Operand.of(k, r, s, c);
        Operand y = Operand.of(n, window.outH(h, r), window.outW(w, s), k);
        onEachCandidate(Sample.of(new Conv2d(window, 1), x, filter), dtype);
        onEachCandidate(Sample.of(new Conv2dBackwardData(window, 1, h, w), y, filter), dtype);
        onEachCandidate(Sample.of(new Conv2dBackwardWeight(window, 1, r, s), x, y), dtype);
    }

    /** Strides 1 to 3, dilation, kernels of several sizes, images that fill boxes and such that do not. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 2, 14, 14, 64, 64, 3, 3, F16", "1, 1, 1, 3, 7, 7, 72, 136, 2, 3, BF16", "2, 1, 1, 2, 9, 13, 16, 72, 3, 3, F16", "1, 2, 2, 1, 10, 11, 8, 24, 3, 3, BF16",
        "2, 0, 1, 2, 8, 8, 64, 128, 1, 1, BF16", "3, 2, 1, 1, 17, 12, 8, 8, 5, 2, F16", "1, 0, 1, 130, 1, 1, 8, 16, 1, 1, F16", "1, 3, 1, 1, 9, 12, 8, 40, 7, 7, F16"})
    void convolutions(int stride, int padding, int dilation, int n, int h, int w, int c, int k, int r, int s, DType dtype) {
        convolution(Window.of(stride, padding).dilated(dilation), n, h, w, c, k, r, s, dtype);
    }

    /** Nothing before or behind the image, and more on one side than on the other, as networks that came from TensorFlow have it. */
    @Test
    void paddingOnOneSide() {
        convolution(Window.same(2, 10, 12, 3, 3), 1, 10, 12, 8, 16, 3, 3, DType.F16);
        convolution(Window.of(1, 0), 1, 6, 5, 8, 16, 3, 3, DType.BF16);
    }
}
