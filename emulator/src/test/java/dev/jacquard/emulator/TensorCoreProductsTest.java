package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.Selection;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Tf32;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.OpRow;
import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Matrix products on tensor cores: every candidate against the reference. */
class TensorCoreProductsTest {
    /** Runs a sample on each of its candidates. @return their names */
    static Set<String> onEachCandidate(Sample sample, DType dtype, boolean tf32) {
        return new CandidateBackends(tf32, EmulatorOptions.DEFAULT).forEach(sample, dtype, (cuda, _, turn) -> OpCheck.forward(cuda, sample, dtype, Variant.CONTIGUOUS, turn));
    }

    @AfterAll
    static void close() {
        new CandidateBackends(false, EmulatorOptions.DEFAULT).close();
        new CandidateBackends(true, EmulatorOptions.DEFAULT).close();
    }

    /** An operand. In F32 of multiples of 2^-8 in [-1, 1], which TF32 has exactly, so that the products are those of F32. */
    private static Operand operand(DType dtype, boolean transposed, long rows, long columns) {
        return transposed ? operand(dtype, columns, rows) : operand(dtype, rows, columns);
    }

    private static Operand operand(DType dtype, long... dims) {
        if (dtype != DType.F32) {
            return Operand.of(dims);
        }
        double[] values = new Random(dims[0] + 1009 * dims[1]).ints(997, -256, 257).mapToDouble(i -> i / 256.0).toArray();
        return new Operand(TensorType.f32(dims), Operand.Fill.GIVEN, 0, 0, values);
    }

    /** m, n, k. In whole chunks and not, smaller than any tile, of several, of more tiles than one band of the blocks' order has, deep enough to be split. */
    @ParameterizedTest
    @CsvSource({"8, 8, 8", "1096, 136, 8", "136, 264, 104", "264, 136, 40", "8, 16, 520", "1, 3, 5", "70, 129, 33", "65, 8, 301"})
    void everyCandidateIsRight(int m, int n, int k) {
        for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.F32}) {
            for (int t = 0; t < 3; t++) {
                boolean ta = t == 2;
                boolean tb = t == 0;
                Sample sample = Sample.of(new MatMul(ta, tb), operand(dtype, ta, m, k), operand(dtype, tb, k, n));
                Set<String> seen = onEachCandidate(sample, dtype, dtype == DType.F32);
                assertTrue(seen.stream().anyMatch(s -> s.startsWith("mma")), seen.toString());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"72, 264, 40, RELU", "8, 16, 520, SILU", "70, 129, 33, NONE"})
    void whatFollowsIsRight(int m, int n, int k, Nonlinearity activation) {
        for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.F32}) {
            for (boolean tb : new boolean[] {false, true}) {
                MatMulShift op = new MatMulShift(false, tb, activation);
                Set<String> seen = onEachCandidate(Sample.of(op, operand(dtype, false, m, k), operand(dtype, tb, k, n), Operand.of(n)), dtype, dtype == DType.F32);
                assertTrue(seen.stream().anyMatch(s -> s.startsWith("mma")), seen.toString());
            }
        }
    }

    /** The table's samples, judged by its row for TF32. */
    @Test
    void samplesInTf32AreWithinItsTolerance() {
        try (Backend cuda = new CudaBackend("emulator", new EmulatorDriver(), false, new MatrixOptions(true, Selection.BY_RULE))) {
            for (OpRow row : OpTable.rows()) {
                if (row.type() == MatMul.class || row.type() == MatMulShift.class) {
                    row.samples().stream().filter(s -> cuda.unsupported(s.op(), s.types()).isEmpty())
                            .forEach(s -> OpCheck.forward(cuda, s, DType.F32, Variant.CONTIGUOUS, 1, Tolerance::tf32));
                }
            }
        }
    }

    /** Products with the unit matrix are the operand rounded to TF32, as {@link Tf32} rounds it. */
    @Test
    void operandsAreRoundedToTf32() {
        int n = 16;
        double[] x = new Random(5).doubles(n * n, -1, 1).map(d -> (float) d).toArray();
        double[] unit = new double[n * n];
        for (int i = 0; i < n; i++) {
            unit[i * n + i] = 1;
        }
        x[0] = 1 + 0x1p-11; // half way
        TensorType type = TensorType.f32(n, n);
        for (int t = 0; t < 3; t++) {
            boolean tb = t == 0;
            MatMul op = new MatMul(t == 2, tb);
            Sample sample = Sample.of(op, new Operand(type, Operand.Fill.GIVEN, 0, 0, unit), new Operand(type, Operand.Fill.GIVEN, 0, 0, x));
            new CandidateBackends(true, EmulatorOptions.DEFAULT).forEach(sample, DType.F32, (cuda, _, turn) -> {
                try (Scope scope = Scope.open(cuda)) {
                    double[] y = ((EagerTensor) scope.tensor(type, unit).apply(op, scope.tensor(type, x))).doubles();
                    boolean exact = y[1] == x[tb ? n : 1]; // the candidate on the CUDA cores
                    for (int i = 0; i < n * n; i++) {
                        double at = x[tb ? i % n * n + i / n : i];
                        assertEquals(exact ? at : Tf32.round((float) at), y[i], 0, "element " + i + " of candidate " + turn);
                    }
                }
            });
        }
    }

    /** Few rows, rows off the tiles' edges, rows that are no chunks, and so many that their tiles are combined in two steps. */
    @ParameterizedTest
    @CsvSource({"1, 3, 8, 8", "2, 9, 40, 136", "1, 7, 5, 9", "3, 60, 8, 8"})
    void statisticsAreRight(int images, int side, int c, int k) {
        for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.F32}) {
            ConvolutionStatistics op = new ConvolutionStatistics(Window.of(1, 0), 1);
            Set<String> seen = onEachCandidate(Sample.of(op, operand(dtype, images, side, side, c), operand(dtype, k, 1, 1, c)), dtype, dtype == DType.F32);
            assertTrue(seen.stream().allMatch(s -> s.startsWith("mma")), seen.toString());
        }
    }

    /** Channels whose mean is some thousand times their deviation: the sum of squares less the square of the sum would have no digits left of the variance. */
    @Test
    void statisticsOfALargeMeanKeepTheirDigits() {
        double[] x = IntStream.range(0, 8 * 130).mapToDouble(i -> i % 8 == 0 ? 1 : (i / 8 % 7 - 3) * 0x1p-6).toArray();
        double[] w = IntStream.range(0, 8 * 8).mapToDouble(i -> i % 8 == 0 ? 256 : i % 8 == i / 8 ? 1 : 0x1p-2).toArray();
        Sample sample = Sample.of(new ConvolutionStatistics(Window.of(1, 0), 1), new Operand(TensorType.f32(1, 13, 10, 8), Operand.Fill.GIVEN, 0, 0, x),
                new Operand(TensorType.f32(8, 1, 1, 8), Operand.Fill.GIVEN, 0, 0, w));
        Set<String> seen = onEachCandidate(sample, DType.F16, false);
        assertTrue(seen.stream().allMatch(s -> s.startsWith("mma")), seen.toString());
    }

    /** The samples are odd in every way; two have whole rows and more than one tile. */
    @Test
    void productsOfBytesAreRight() {
        List<Sample> samples = new ArrayList<>(OpTable.rows().stream().filter(r -> r.type() == QuantizedMatMul.class).findFirst().orElseThrow().samples());
        samples.add(bytes(new QuantizedMatMul(Nonlinearity.NONE, 0.5, DType.I8), 136, 272, 80));
        samples.add(bytes(new QuantizedMatMul(Nonlinearity.SILU, 0, DType.F32), 72, 144, 208));
        for (Sample s : samples) {
            if (s.operands().getFirst().type().shape().size() > 0) {
                Set<String> seen = onEachCandidate(s, DType.F32, false);
                assertTrue(seen.stream().allMatch(c -> c.startsWith("mma")), seen.toString());
            }
        }
    }

    private static Sample bytes(QuantizedMatMul op, long m, long n, long k) {
        List<Operand> operands = new ArrayList<>(List.of(Operand.integers(DType.I8, -128, 128, m, k), Operand.integers(DType.I8, -128, 128, n, k),
                new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, new double[] {0x1p-14, 0x1p-13, -0x1p-14}),
                new Operand(TensorType.f32(n), Operand.Fill.GIVEN, 0, 0, new double[] {0.5, -3, 7.25, 0})));
        if (op.residual()) {
            operands.add(Operand.integers(DType.I8, -128, 128, m, n));
        }
        return new Sample(op, List.copyOf(operands));
    }
}
