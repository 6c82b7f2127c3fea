package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Quantization.FakeQuantize;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExciteBackward;
import dev.jacquard.tensor.op.Window;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Shapes as training has them, at batches that the emulator can bear: where grids are at their bounds, blocks take several turns, and partial results are many. Samples are too
 * small for any of that.
 */
class NetworkShapesTest {
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false);

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private static void check(Op op, DType dtype, Operand... operands) {
        OpCheck.forward(CUDA, Sample.of(op, operands), dtype, Variant.CONTIGUOUS, 1);
    }

    /** More strips than blocks may be, of few channels and of several blocks of channels. */
    @Test
    void weightGradientsOfDepthwiseConvolutions() {
        Window same = Window.of(1, 1);
        check(new Conv2dBackwardWeight(same, 32, 3, 3), DType.F16, Operand.of(12, 112, 112, 32), Operand.of(12, 112, 112, 32));
        check(new Conv2dBackwardWeight(Window.of(1, 2), 240, 5, 5), DType.BF16, Operand.of(12, 28, 28, 240), Operand.of(12, 28, 28, 240));
    }

    /** Small maps of many channels, for many images: the grid is full by its images, and tiles stay wide. */
    @Test
    void squeezeExciteOfTheLastStage() {
        Operand x = Operand.of(48, 7, 7, 1152);
        Operand w1 = Operand.range(-0.1, 0.1, 48, 1152);
        Operand w2 = Operand.range(-0.1, 0.1, 1152, 48);
        check(new SqueezeExcite(Nonlinearity.SILU), DType.BF16, x, w1, Operand.of(48), w2, Operand.of(1152));
        Operand perChannel = Operand.range(0.1, 0.9, 48, 1152);
        check(new SqueezeExciteBackward(Nonlinearity.SILU), DType.F32, x, x, w1, w2, perChannel, Operand.of(48, 48), perChannel);
    }

    /** As many chunks of rows as there may be, and the most channels. */
    @Test
    void batchNormOfTheFirstAndTheLastStage() {
        for (long[] shape : new long[][] {{2, 112, 112, 64}, {16, 7, 7, 2048}}) {
            long c = shape[3];
            Operand x = Operand.of(shape);
            check(new BatchNormActivationBackward(1e-5, Nonlinearity.SILU, false), DType.BF16, x, x, Operand.range(0.5, 1.5, c), Operand.of(c), Operand.range(-0.1, 0.1, c),
                    Operand.range(0.3, 0.4, c));
        }
    }

    /** Sums of many parts; a transposition whose tiles would be more than a grid's second extent holds; a stem's pooling. */
    @Test
    void gridsAtTheirBounds() {
        check(Reduction.Sum.over(0, 1, 2), DType.F16, Operand.of(4, 112, 112, 64));
        OpCheck.forward(CUDA, Sample.of(new Movement.Copy(), Operand.of(8, 2_097_184)), DType.F16, Variant.STRIDED, 1);
        check(new Pooling.MaxPool2d(3, 3, Window.of(2, 1)), DType.F16, Operand.distinct(2, 112, 112, 64));
        check(new FakeQuantize(-128, 127), DType.BF16, Operand.of(64, 7, 7, 1152), Operand.range(0.01, 0.02, 1152));
    }
}
