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

    @ParameterizedTest
    @CsvSource({"8, 8, 8", "136, 72, 104", "256, 136, 40", "128, 128, 32", "1, 8, 1000"})
    void everyCandidateIsRight(int m, int n, int k) {
        for (int t = 0; t < 3; t++) {
            boolean ta = t == 2 && m % 8 == 0;
            boolean tb = t == 0;
            Sample sample = Sample.of(new MatMul(ta, tb), ta ? Operand.of(k, m) : Operand.of(m, k), tb ? Operand.of(n, k) : Operand.of(k, n));
            Set<String> seen = onEachCandidate(sample, DType.F16, false);
            assertTrue(seen.stream().anyMatch(s -> s.startsWith("mma")), seen.toString());
        }
    }
}
