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
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products and convolutions by wgmma and tensor maps: every candidate against the double reference, with guard bands and twice. */
class HopperProductTest {
    /** The i-th takes the i-th candidate of ours. Kept, as reading a module takes longer than a product. */
    private static final List<CudaBackend> BACKENDS = new ArrayList<>();
    private static List<String> ours = List.of();

    @AfterAll
    static void close() {
        BACKENDS.forEach(CudaBackend::close);
        BACKENDS.clear();
    }

    private static CudaBackend taking(int candidate) {
        while (BACKENDS.size() <= candidate) {
            int i = BACKENDS.size();
            BACKENDS.add(new CudaBackend("emulator", new EmulatorDriver(), false, new MatrixOptions(false, (op, in, names) -> {
                ours = names.stream().filter(n -> n.startsWith("wgmma")).toList();
                assertFalse(ours.isEmpty(), "no candidate for " + op + " of " + in);
                return names.indexOf(ours.get(i));
            })));
        }
        return BACKENDS.get(candidate);
    }

    /** Runs a sample on each of its candidates. @return their names */
    private static List<String> onEachCandidate(Sample sample, DType dtype) {
        for (int turn = 0; turn == 0 || turn < ours.size(); turn++) {
            OpCheck.forward(taking(turn), sample, dtype, Variant.CONTIGUOUS, turn);
        }
        return ours;
    }

    /** @return the candidates' names */
    private static List<String> product(int m, int n, int k, boolean transposeA, boolean transposeB, DType dtype) {
        return onEachCandidate(Sample.of(new MatMul(transposeA, transposeB), transposeA ? Operand.of(k, m) : Operand.of(m, k), transposeB ? Operand.of(n, k)
                : Operand.of(k, n)), dtype);
    }

    /** Less than a tile, a whole one, more than one in each direction; depths of less than a slice, of more than the ring has stages, and in parts. */
    @ParameterizedTest
    @CsvSource({"8, 8, 8, F16", "8, 8, 8, BF16", "128, 64, 64, BF16", "200, 264, 72, F16", "136, 136, 264, BF16", "64, 72, 1096, F16"})
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

    /** Scale, shift, residual and activation of every combination that ops have, in one kernel and behind a split. */
    @ParameterizedTest
    @CsvSource({"136, 136, 72, F16", "64, 72, 1096, BF16"})
    void whatFollows(int m, int n, int k, DType dtype) {
        for (Nonlinearity activation : Nonlinearity.values()) {
            onEachCandidate(Sample.of(new MatMulShift(false, true, activation), Operand.of(m, k), Operand.of(n, k), Operand.of(n)), dtype);
        }
        Operand x = Operand.of(2, 7, 9, 24);
        Operand w = Operand.range(-0.25, 0.25, n, 2, 2, 24);
        Operand scale = Operand.range(0.5, 1.5, n);
        onEachCandidate(Sample.of(new ConvolutionScaleShift(Window.of(1, 1), 1, Nonlinearity.RELU, true), x, w, scale, Operand.of(n), Operand.of(2, 8, 10, n)), dtype);
        onEachCandidate(Sample.of(new ConvolutionScaleShift(Window.of(2, 1), 1, Nonlinearity.SILU, false), x, w, scale, Operand.of(n)), dtype);
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
