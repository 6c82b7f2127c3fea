package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
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

    /** m, n, k. In whole chunks and not, smaller than any tile, of several, deep enough to be split. */
    @ParameterizedTest
    @CsvSource({"8, 8, 8", "136, 264, 104", "264, 136, 40", "128, 256, 32", "8, 16, 1000", "1, 3, 5", "70, 129, 33", "65, 8, 301"})
    void everyCandidateIsRight(int m, int n, int k) {
        for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.F32}) {
            for (int t = 0; t < 3; t++) {
                boolean ta = t == 2;
                boolean tb = t == 0;
                Sample sample = Sample.of(new MatMul(ta, tb), ta ? Operand.of(k, m) : Operand.of(m, k), tb ? Operand.of(n, k) : Operand.of(k, n));
                Set<String> seen = onEachCandidate(sample, dtype, dtype == DType.F32);
                assertTrue(seen.stream().anyMatch(s -> s.startsWith("mma")), seen.toString());
            }
        }
    }
}
