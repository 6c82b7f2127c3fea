package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.Workload;
import dev.jacquard.kernels.catalog.Contract;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Sample;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The limits can be passed, and a reason in the contract lets them be. */
class KernelCountsTest {
    private static final Workload WORKLOAD = new Workload("x", Sample.of(new Pointwise.Relu(), Operand.of(8)), Map.of());

    /** 1000 bytes read and 1000 written as promised, in as few sectors as will do, but for what is said. */
    private static KernelCounts counts(long read, long sectors, long conflicts) {
        LaunchStats.Requests loads = new LaunchStats.Requests(8, read, sectors, 32);
        LaunchStats.Requests stores = new LaunchStats.Requests(8, 1000, 32, 32);
        LaunchStats stats = new LaunchStats("x_f32", 1, 1, 32, Map.of(), loads, stores, read, 1000, 0, 10, 10 + conflicts, conflicts, 0);
        return new KernelCounts(WORKLOAD, DType.F32, "x_f32 <<<(1, 1, 1), (32, 1, 1), 0>>>", stats, 1000, 1000);
    }

    private static Contract contract(String roofline, String... fields) {
        Map<String, List<String>> all = new java.util.LinkedHashMap<>(Map.of("Roofline", List.of(roofline)));
        for (String f : fields) {
            all.put(f, List.of("a reason"));
        }
        return new Contract("x", all);
    }

    @Test
    void whatIsPromisedPasses() {
        assertEquals(List.of(), counts(1000, 32, 0).excess(contract("memory bound")));
        assertEquals(List.of(), counts(1099, 38, 0).excess(contract("memory bound")));
    }

    @Test
    void eachLimitIsPassedAloneAndNamesItsField() {
        Map.of("Bytes", counts(1101, 32, 0), "Sectors", counts(1000, 39, 0), "Conflicts", counts(1000, 32, 1)).forEach((field, counts) -> {
            List<String> wrong = counts.excess(contract("memory bound"));
            assertTrue(wrong.size() == 1 && wrong.getFirst().contains("field " + field), wrong.toString());
            assertEquals(List.of(), counts.excess(contract("memory bound", field)));
        });
    }

    @Test
    void computeBoundKernelsMayReadAgainButNotConflict() {
        assertEquals(List.of(), counts(5000, 200, 0).excess(contract("compute bound")));
        assertEquals(1, counts(5000, 200, 3).excess(contract("compute bound")).size());
    }
}
