package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.List;
import org.junit.jupiter.api.Test;

class CandidateCheckTest {
    private static Sample product(long m, long n, long k) {
        return Sample.of(new MatMul(false, false), Operand.of(m, k), Operand.of(k, n));
    }

    @Test
    void kernelsOfOneOpAgree() {
        try (CudaBackend emulator = new CudaBackend("emulator", new EmulatorDriver(), false)) {
            List<CandidateCheck.Row> rows = CandidateCheck.of(emulator, product(40, 16, 24), DType.F16);
            assertTrue(rows.size() > 1, rows.toString());
            assertTrue(rows.stream().allMatch(r -> r.problem() == null && r.us() > 0), rows.toString());
        }
    }

    @Test
    void oneKernelIsNotCompared() {
        try (CudaBackend emulator = new CudaBackend("emulator", new EmulatorDriver(), false)) {
            assertEquals(List.of(), CandidateCheck.of(emulator, product(3, 5, 7), DType.F16));
            assertEquals(List.of(), CandidateCheck.of(emulator, product(40, 16, 24), DType.F64));
        }
    }
}
