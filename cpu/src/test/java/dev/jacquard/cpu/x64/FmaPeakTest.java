package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FmaPeakTest {
    /** Emitted code runs and comes back; how fast it is depends on the machine. */
    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void runs(InstructionSet set) {
        assumeTrue(CpuFeatures.get().has(set), () -> "this processor has no " + set);
        double rate = FmaPeak.gigaflops(set);
        assertTrue(rate > 0.1, () -> set + ": " + rate + " GFLOP/s");
    }
}
