package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.emulator.LaunchStats.Kind;
import dev.jacquard.emulator.LaunchStats.Requests;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Counters of kernels whose traffic can be told by hand; they are in src/test/cuda/instructions.cu. */
class CountersTest {
    private final Rig rig = new Rig(EmulatorOptions.DEFAULT.counting(true), "instructions.ptx");

    @AfterEach
    void close() {
        rig.close();
    }

    private LaunchStats only() {
        List<LaunchStats> taken = rig.driver.takeStats();
        assertEquals(1, taken.size());
        return taken.getFirst();
    }

    @Test
    void copyMovesEachByteOnce() {
        int n = 100;
        long x = rig.upload(new float[4 * n]);
        rig.launch("copy4", 4, 32, 0, x, rig.driver.allocate(16L * n), n);
        LaunchStats s = only();
        assertEquals(new Requests(4, 16 * n, n / 2, n / 2), s.loads());
        assertEquals(s.loads(), s.stores());
        assertEquals(16 * n, s.bytesRead());
        assertEquals(16 * n, s.bytesWritten());
        assertEquals(4, s.blocks());
        assertEquals(128, s.threads());
        assertEquals(1, s.divergentBranches()); // in the last block
        assertEquals(1.0, s.loads().sectorRatio());
    }

    @ParameterizedTest
    @CsvSource({"0, 4, 1", "1, 128, 4", "2, 128, 8", "8, 128, 32", "100, 128, 32"})
    void strideCostsSectors(int stride, long bytes, long sectors) {
        long x = rig.upload(new float[3200]);
        rig.launch("gather", 1, 32, 0, x, rig.driver.allocate(128), stride);
        LaunchStats s = only();
        assertEquals(bytes, s.loads().bytes());
        assertEquals(sectors, s.loads().sectors());
        assertEquals((bytes + 31) / 32, s.loads().idealSectors());
        assertEquals(bytes, s.bytesRead());
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "2, 1", "4, 3", "3, 0", "16, 15", "32, 31"})
    void strideCostsBankConflicts(int stride, long extra) {
        rig.launch("banks", 1, 32, 0, rig.driver.allocate(128), stride);
        LaunchStats s = only();
        assertEquals(3, s.sharedRequests()); // the third is a broadcast, without conflict
        assertEquals(2 * extra, s.bankConflicts());
        assertEquals(3 + 2 * extra, s.sharedWavefronts());
    }

    @Test
    void wideSharedAccessesNeedFourPassesEach() {
        rig.launch("banks4", 1, 32, 0, rig.driver.allocate(512));
        LaunchStats s = only();
        assertEquals(2, s.sharedRequests());
        assertEquals(8, s.sharedWavefronts());
        assertEquals(0, s.bankConflicts());
    }

    @Test
    void divergenceAndClasses() {
        rig.launch("parts", 1, 32, 0, rig.driver.allocate(128), 5);
        LaunchStats s = only();
        assertEquals(1, s.divergentBranches());
        assertTrue(s.instructions().get(Kind.FLOAT) >= 5);
        assertEquals(0, s.instructions().get(Kind.SHUFFLE));
        assertTrue(s.instructions().get(Kind.MEMORY) >= 3);
        assertEquals(s.allInstructions(), s.instructions().values().stream().mapToLong(Long::longValue).sum());
    }

    @Test
    void atomicsAreCountedByLane() {
        rig.launch("atomics", 1, 32, 0, rig.upload(new int[12]), rig.upload(0f), rig.upload(new int[20]), 20);
        LaunchStats s = only();
        assertEquals(20 * 9 + 2, s.atomics());
        assertEquals(80 + 11 * 4 + 4, s.bytesRead()); // words 0 to 8, the 64-bit one, the float
        assertEquals(11 * 4 + 4, s.bytesWritten());
    }

    @Test
    void sumsByKernelAndSwitching() {
        long y = rig.driver.allocate(128);
        rig.launch("banks", 1, 32, 0, y, 1);
        rig.launch("parts", 1, 32, 0, y, 1);
        rig.driver.count(false);
        rig.launch("parts", 1, 32, 0, y, 1);
        rig.driver.count(true);
        rig.launch("banks", 1, 32, 0, y, 2);
        List<LaunchStats> sums = LaunchStats.byKernel(rig.driver.takeStats());
        assertEquals(List.of("banks", "parts"), sums.stream().map(LaunchStats::kernel).toList());
        assertEquals(2, sums.getFirst().launches());
        assertEquals(2, sums.getFirst().bankConflicts());
        assertEquals(List.of(), rig.driver.takeStats());
    }
}
