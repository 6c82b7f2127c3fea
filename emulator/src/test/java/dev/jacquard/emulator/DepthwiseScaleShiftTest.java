package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Depthwise convolution with scale, shift and activation: each kernel in each type, strips that are cut and blocks of channels that are not full. */
class DepthwiseScaleShiftTest {
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false);

    private static final int SEED = 5;

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private static Sample sample(Nonlinearity activation, boolean residual, Window window, int r, long n, long h, long w, long c) {
        Operand x = Operand.of(n, h, w, c);
        Operand weights = Operand.range(-1.0 / r, 1.0 / r, c, r, r, 1);
        List<Operand> in = List.of(x, weights, Operand.range(0.5, 1.5, c), Operand.of(c), Operand.of(n, window.outH(h, r), window.outW(w, r), c));
        return new Sample(new ConvolutionScaleShift(window, (int) c, activation, residual), residual ? in : in.subList(0, 4));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16"})
    void equalsTheReference(DType dtype) {
        Nonlinearity[] activations = Nonlinearity.values();
        int i = 0;
        for (int r : new int[] {3, 5}) {
            for (int stride : new int[] {1, 2}) {
                check(sample(activations[i++ % 3], false, Window.of(stride, r / 2), r, 2, 13, 10, 36), dtype);
                check(sample(activations[i++ % 3], false, new Window(stride, stride, 0, 1, 0, 1, 1, 1), r, 1, 9, 31, 132), dtype);
            }
        }
    }

    private static void check(Sample sample, DType dtype) {
        assertEquals(Optional.empty(), CUDA.unsupported(sample.op(), sample.types()), "the kernel, not the definition");
        OpCheck.forward(CUDA, sample, dtype, Variant.CONTIGUOUS, SEED);
    }

    @Test
    void aResidualGoesByTheDefinition() {
        Sample sample = sample(Nonlinearity.RELU, true, Window.of(1, 1), 3, 1, 5, 5, 8);
        assertTrue(CUDA.unsupported(sample.op(), sample.types()).isPresent());
    }
}
