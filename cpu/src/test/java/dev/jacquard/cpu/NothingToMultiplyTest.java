package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataStatistics;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products of no depth, whose sums are 0 but whose epilogue adds something to them. */
class NothingToMultiplyTest {
    /** An op, and the shapes of its two operands. */
    record Use(Op op, DType type, long[] x, long[] w) {
        @Override
        public String toString() {
            return op.name();
        }
    }

    static Stream<Use> uses() {
        return Stream.of(
                new Use(new MatMulShift(false, true, Nonlinearity.RELU), DType.F32, new long[] {3, 0}, new long[] {2, 0}),
                new Use(new ConvolutionScaleShift(Window.of(1, 0), 1, Nonlinearity.RELU, false), DType.F32, new long[] {1, 3, 1, 0}, new long[] {2, 1, 1, 0}),
                new Use(new ConvolutionScaleShift(Window.of(1, 1), 1, Nonlinearity.RELU, false), DType.F32, new long[] {1, 3, 1, 0}, new long[] {2, 3, 3, 0}),
                new Use(new QuantizedConv2d(Window.of(1, 0), 1, Nonlinearity.RELU, 0, DType.F32), DType.I8, new long[] {1, 3, 1, 0}, new long[] {2, 1, 1, 0}),
                new Use(new QuantizedMatMul(Nonlinearity.RELU, 0, DType.I8), DType.I8, new long[] {3, 0}, new long[] {2, 0}));
    }

    @ParameterizedTest
    @MethodSource("uses")
    void shiftsAreAddedToZero(Use use) {
        try (CpuBackend backend = new CpuBackend(2); Scope s = Scope.open(backend)) {
            Tensor x = s.tensor(TensorType.of(use.type, use.x), new double[0]);
            Tensor w = s.tensor(TensorType.of(use.type, use.w), new double[0]);
            Tensor scale = s.tensor(TensorType.f32(2), new double[] {2, 3});
            Tensor shift = s.tensor(TensorType.f32(2), new double[] {4, -5});
            List<Tensor> in = use.op instanceof MatMulShift ? List.of(x, w, shift) : List.of(x, w, scale, shift);
            EagerTensor y = (EagerTensor) s.apply(use.op, in).getFirst();
            assertArrayEquals(new double[] {4, 0, 4, 0, 4, 0}, y.doubles());
        }
    }

    /** The mean of nothing is not zero, which kernels would make of it. */
    @Test
    void noPixelsHaveNoMean() {
        try (CpuBackend backend = new CpuBackend(1)) {
            assertTrue(backend.unsupported(new ConvolutionStatistics(Window.of(1, 1), 1), List.of(TensorType.f32(0, 4, 4, 8), TensorType.f32(8, 3, 3, 8))).isPresent());
        }
    }

    /** Without any, a gradient is nothing but the shortcut's, whose sums no kernel takes. */
    @Test
    void noDepthHasNoSums() {
        BackwardDataStatistics op = new BackwardDataStatistics(Window.of(1, 0), 1, 4, 4, true, Rectifier.NONE, 1e-5);
        TensorType image = TensorType.f32(1, 4, 4, 8);
        try (CpuBackend backend = new CpuBackend(1)) {
            assertTrue(backend.unsupported(op, List.of(TensorType.f32(1, 4, 4, 0), TensorType.f32(0, 1, 1, 8), image, TensorType.f32(8), TensorType.f32(8), image)).isPresent());
        }
    }
}
