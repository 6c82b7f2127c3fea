package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.Variant;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeActivation;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExciteBackward;
import dev.jacquard.tensor.random.Philox;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Normalisation and squeeze-excite at sizes that no sample has: several chunks of rows and tiles of channels, chunks that are not full, few rows of many channels, and badly
 * conditioned values.
 */
class NormalizationKernelsTest {
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false);
    private static final DType[] TYPES = {DType.F32, DType.F16, DType.BF16};
    private static final int PROBLEMS = Integer.getInteger("problems", 12);
    /** Rows and channels: chunks of whole and of odd lengths, packs and single channels, one row of blocks and many. */
    private static final long[][] SHAPES = {{1040, 16}, {2100, 8}, {1500, 9}, {700, 48}, {300, 33}, {2, 2056}, {3, 4096}, {1, 264}, {131, 320}, {260, 272}};

    private final Random random = new Random(20_261_121);

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private void check(Op op, DType dtype, Operand... operands) {
        OpCheck.forward(CUDA, Sample.of(op, operands), dtype, Variant.CONTIGUOUS, random.nextInt());
    }

    private static Operand[] with(boolean residual, Operand... operands) {
        List<Operand> all = new ArrayList<>(List.of(operands));
        if (residual) {
            all.add(operands[0]);
        }
        return all.toArray(Operand[]::new);
    }

    @Test
    void batchNormOfManyShapes() {
        for (int i = 0; i < SHAPES.length; i++) {
            long c = SHAPES[i][1];
            Nonlinearity activation = Nonlinearity.values()[i % 3];
            boolean residual = i % 2 == 0;
            DType dtype = TYPES[random.nextInt(3)];
            Operand x = Operand.of(SHAPES[i]);
            Operand gamma = Operand.range(0.5, 1.5, c);
            if (SHAPES[i][0] > 3) { // of two or three rows the variance may be next to nothing, and what it divides anything
                check(new BatchNormActivation(1e-5, activation, residual), dtype, with(residual, x, gamma, Operand.of(c)));
            }
            check(new BatchNormActivationBackward(1e-5, activation, residual), dtype,
                    with(residual, x, x, gamma, Operand.of(c), Operand.range(-0.1, 0.1, c), Operand.range(0.3, 0.4, c)));
            check(new NormalizeActivation(1e-5, activation, residual), dtype, with(residual, x, gamma, Operand.of(c), Operand.range(-0.1, 0.1, c), Operand.range(0.3, 0.4, c)));
            check(new ScaleShift(activation, residual), dtype, with(residual, x, gamma, Operand.of(c)));
        }
    }

    @Test
    void squeezeExciteOfRandomShapes() {
        for (int i = 0; i < PROBLEMS; i++) {
            long n = 1 + random.nextInt(9);
            long h = 1 + random.nextInt(i % 3 == 0 ? 40 : 9);
            long c = (i % 4 == 0 ? 1 : 8) * (1 + random.nextInt(24));
            long s = 1 + random.nextInt(40);
            Nonlinearity activation = Nonlinearity.values()[i % 3];
            DType dtype = TYPES[random.nextInt(3)];
            Operand x = Operand.of(n, h, h, c);
            Operand w1 = Operand.range(-0.2, 0.2, s, c);
            Operand w2 = Operand.range(-0.2, 0.2, c, s);
            check(new SqueezeExcite(activation), dtype, x, w1, Operand.of(s), w2, Operand.of(c));
            check(new SqueezeExciteBackward(activation), dtype, x, x, w1, w2, Operand.of(n, c), Operand.kinked(n, s), Operand.range(0.1, 0.9, n, c));
        }
    }

    /** Statistics rounded to the images' type would be others backward than they were forward, and units near zero on in one pass only. */
    @Test
    void aUnitIsOnInBothPassesOrInNeither() {
        for (DType dtype : List.of(DType.F16, DType.BF16)) {
            try (Scope scope = Scope.open(CUDA)) {
                int c = 8;
                int size = 2048 * c;
                TensorType images = TensorType.of(dtype, size / c, c);
                EagerTensor x = scope.tensor(images, IntStream.range(0, size).mapToDouble(i -> 3 + Philox.uniform(Philox.word(1, 2, 3, i))).toArray());
                EagerTensor residual = scope.tensor(images, new double[size]);
                EagerTensor gamma = scope.tensor(TensorType.f32(c), IntStream.range(0, c).mapToDouble(i -> 1 + i / 7.0).toArray());
                EagerTensor beta = scope.tensor(TensorType.f32(c), IntStream.range(0, c).mapToDouble(i -> i / 11.0).toArray());
                List<Tensor> y = x.applyAll(new BatchNormActivation(1e-5, Nonlinearity.RELU, true), gamma, beta, residual);
                EagerTensor dy = scope.tensor(images, IntStream.range(0, size).mapToDouble(i -> 1).toArray());
                List<Tensor> dx = dy.applyAll(new BatchNormActivationBackward(1e-5, Nonlinearity.RELU, true), x, gamma, beta, y.get(1), y.get(2), residual);
                double[] on = ((EagerTensor) y.get(0)).doubles();
                double[] d = ((EagerTensor) dx.get(3)).doubles();
                assertEquals(List.of(), IntStream.range(0, size).filter(i -> on[i] > 0 != d[i] > 0).boxed().toList(), dtype.toString());
            }
        }
    }

    /** The difference of the mean square and the square of the mean would have no digit left: 1000^2 to the 24th bit is 0.06, the variance is 1/3. */
    @Test
    void varianceAroundALargeMean() {
        double[] x = IntStream.range(0, 2000 * 4).mapToDouble(i -> 1000 + Philox.uniform(Philox.word(1, 2, 3, i)) * 2).toArray();
        variance(2000, x);
    }

    /** A first value that is far from all others must not spoil what is summed around it. */
    @Test
    void varianceWithAnOutlierInFront() {
        double[] x = IntStream.range(0, 2000 * 4).mapToDouble(i -> (float) (i < 4 ? 1e4 : Philox.uniform(Philox.word(1, 2, 3, i)))).toArray();
        variance(2000, x);
    }

    private static void variance(int rows, double[] x) {
        List<double[]> got = new ArrayList<>();
        try (Backend reference = new ReferenceBackend()) {
            for (Backend b : List.of(CUDA, reference)) {
                try (Scope scope = Scope.open(b)) {
                    TensorType c = TensorType.f32(4);
                    EagerTensor in = scope.tensor(TensorType.f32(rows, 4), x);
                    got.add(((EagerTensor) in.applyAll(new BatchNorm(1e-5), scope.tensor(c, 1, 1, 1, 1), scope.tensor(c, 0, 0, 0, 0)).get(2)).doubles());
                }
            }
        }
        TensorType four = TensorType.f32(4);
        double size = got.get(1)[0];
        // Relative to the variance: the reference's own definition squares centred values, as rounded to F32 between its ops.
        Tolerance tolerance = Tolerance.of(DType.F32, new BatchNorm(1e-5).accuracy(List.of(TensorType.f32(rows, 4), four, four)));
        assertEquals(Optional.empty(), Comparator.difference(four, got.get(0), got.get(1), tolerance, Math.max(1, size)));
    }
}
