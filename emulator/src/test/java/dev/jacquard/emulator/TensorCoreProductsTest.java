package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Matrix products on tensor cores: every candidate against the reference. */
class TensorCoreProductsTest {
    /** Runs a sample on each of its candidates. @return their names */
    static Set<String> onEachCandidate(Sample sample, DType dtype, boolean tf32) {
        Set<String> seen = new TreeSet<>();
        for (int[] turn = {0}, count = {1}; turn[0] < count[0]; turn[0]++) {
            MatrixOptions options = new MatrixOptions(tf32, (op, in, names) -> {
                count[0] = names.size();
                seen.add(names.get(turn[0]));
                return turn[0];
            });
            try (Backend cuda = new CudaBackend("emulator", new EmulatorDriver(), false, options)) {
                OpCheck.forward(cuda, sample, dtype, Variant.CONTIGUOUS, turn[0]);
            }
        }
        return seen;
    }

    /** An operand. In F32 of multiples of 2^-8 in [-1, 1], which TF32 has exactly, so that the products are those of F32. */
    private static Operand operand(DType dtype, boolean transposed, long rows, long columns) {
        long[] dims = transposed ? new long[] {columns, rows} : new long[] {rows, columns};
        if (dtype != DType.F32) {
            return Operand.of(dims);
        }
        double[] values = new Random(rows + 1009 * columns).ints(997, -256, 257).mapToDouble(i -> i / 256.0).toArray();
        return new Operand(TensorType.f32(dims), Operand.Fill.GIVEN, 0, 0, values);
    }

    /** m, n, k. In whole chunks and not, smaller than any tile, of several, deep enough to be split. */
    @ParameterizedTest
    @CsvSource({"8, 8, 8", "136, 264, 104", "264, 136, 40", "8, 16, 1000", "1, 3, 5", "70, 129, 33", "65, 8, 301"})
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
    @CsvSource({"72, 264, 40, RELU", "8, 16, 1000, SILU", "70, 129, 33, NONE"})
    void whatFollowsIsRight(int m, int n, int k, Nonlinearity activation) {
        for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.F32}) {
            for (boolean tb : new boolean[] {false, true}) {
                MatMulShift op = new MatMulShift(false, tb, activation);
                Set<String> seen = onEachCandidate(Sample.of(op, operand(dtype, false, m, k), operand(dtype, tb, k, n), Operand.of(n)), dtype, dtype == DType.F32);
                assertTrue(seen.stream().anyMatch(s -> s.startsWith("mma")), seen.toString());
            }
        }
    }
}
