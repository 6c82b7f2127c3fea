package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Planted bugs: each is caught, and its kernel, thread and source line are named. The kernels are in src/test/cuda/faults.cu. */
class FaultsTest {
    private static final int BUDGET = 10_000;

    private Rig rig;

    @BeforeEach
    void open() {
        rig = new Rig(EmulatorOptions.DEFAULT.budget(BUDGET), "faults.ptx");
    }

    @AfterEach
    void close() {
        rig.close();
    }

    /** The line of a kernel's {@code // here}. */
    static int line(String file, String kernel) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("src/test/cuda", file));
        int at = 0;
        while (!lines.get(at).contains(" " + kernel + "(")) {
            at++;
        }
        while (!lines.get(at).contains("// here")) {
            at++;
        }
        return at + 1;
    }

    /** Launches a kernel that must fault; everything that is expected must be in the message. */
    private void caught(String kernel, int blocks, int threads, int shared, String thread, List<String> expected, Object... values) throws IOException {
        DriverException e = assertThrows(DriverException.class, () -> rig.launch(kernel, blocks, threads, shared, values));
        String message = e.getMessage();
        assertEquals(Kind.KERNEL_FAULT, e.kind(), message);
        assertTrue(message.startsWith("kernel " + kernel + ", block "), message);
        assertTrue(message.contains("thread " + thread + ": "), message);
        assertTrue(message.contains("faults.cu:" + line("faults.cu", kernel)), message);
        expected.forEach(x -> assertTrue(message.contains(x), () -> x + " is not in: " + message));
        assertEquals(1, message.lines().count());
        DriverException later = assertThrows(DriverException.class, () -> rig.driver.allocate(4));
        assertEquals(Kind.KERNEL_FAULT, later.kind(), "a fault is sticky");
    }

    @Test
    void writePastTheEnd() throws IOException {
        long y = rig.driver.allocate(400);
        caught("write_past_end", 4, 32, 0, "(4,0,0)", List.of("block (3,0,0)", "write of 4 bytes", "0 bytes after the end of a buffer of 400 bytes", "st.global.u32 ["), y, 100);
    }

    @Test
    void readPastTheEnd() throws IOException {
        long x = rig.upload(new float[100]);
        caught("read_past_end", 1, 128, 0, "(99,0,0)", List.of("read of 4 bytes", "0 bytes after the end of a buffer of 400 bytes"), x, rig.driver.allocate(400), 100);
    }

    @Test
    void readBeforeTheStart() throws IOException {
        long x = rig.upload(new float[100]);
        caught("read_before_start", 1, 128, 0, "(0,0,0)", List.of("read of 4 bytes", "4 bytes before the start of a buffer of 400 bytes"), x, rig.driver.allocate(400), 100);
    }

    @Test
    void missingBarrier() throws IOException {
        long x = rig.upload(new float[64]);
        // The first warp reads what the second has not yet written.
        caught("missing_barrier", 1, 64, 0, "(0,0,0)", List.of("shared memory that was never written", "offset 252"), x, rig.driver.allocate(256));
    }

    @Test
    void missingBarrierIsARaceEvenWhereTheOrderHappensToBeRight() throws IOException {
        rig.close();
        rig = new Rig(new EmulatorOptions(1 << 20, BUDGET, false, true, false), "faults.ptx");
        float[] ones = new float[64];
        Arrays.fill(ones, 1);
        caught("missing_barrier", 1, 64, 0, "(32,0,0)", List.of("race in shared memory: write after a read by thread (31,0,0)", "without a barrier between"), rig.upload(ones),
                rig.driver.allocate(256));
    }

    @Test
    void missingBarrierBetweenRounds() throws IOException {
        long x = rig.upload(new float[128]);
        caught("second_missing_barrier", 1, 64, 0, "(32,0,0)", List.of("race in shared memory: read after a write by thread (31,0,0)"), x, rig.driver.allocate(256));
    }

    @Test
    void missingSyncwarp() throws IOException {
        long x = rig.upload(new float[32]);
        caught("missing_syncwarp", 1, 32, 0, "(0,0,0)", List.of("race in shared memory: read after a write by thread (1,0,0)"), x, rig.driver.allocate(128));
    }

    @Test
    void syncwarpIsEnoughWithinAWarp() {
        float[] values = new float[32];
        values[3] = 5;
        long y = rig.driver.allocate(128);
        rig.launch("with_syncwarp", 1, 32, 0, rig.upload(values), y);
        assertEquals(5, rig.floats(y, 32)[2]);
    }

    @Test
    void uninitializedGlobalMemory() throws IOException {
        caught("uninitialized_global", 1, 32, 0, "(0,0,0)", List.of("memory that was never written", "0 bytes into a buffer of 128 bytes"), rig.driver.allocate(128),
                rig.driver.allocate(128));
    }

    @Test
    void partlyInitializedGlobalMemory() throws IOException {
        long x = rig.driver.allocate(128);
        rig.driver.fill(x, (byte) 0, 40, rig.stream);
        caught("uninitialized_global", 1, 32, 0, "(10,0,0)", List.of("40 bytes into a buffer of 128 bytes"), x, rig.driver.allocate(128));
    }

    @Test
    void uninitializedSharedMemory() throws IOException {
        caught("uninitialized_shared", 1, 64, 0, "(50,0,0)", List.of("shared memory that was never written", "offset 200 of the block's 256 bytes"), rig.driver.allocate(256), 50);
    }

    @Test
    void shuffleFromAnIdleLane() throws IOException {
        caught("shuffle_from_idle_lane", 1, 32, 0, "(0,0,0)", List.of("wrong shuffle lane: lane 0 reads lane 16, which is not running"), rig.driver.allocate(128), 16);
    }

    @Test
    void shuffleMaskNamesLanesThatAreElsewhere() throws IOException {
        caught("shuffle_mask_too_wide", 1, 32, 0, "(0,0,0)", List.of("names lane 20, which is elsewhere"), rig.driver.allocate(128), 20);
    }

    @Test
    void misalignedVectorLoad() throws IOException {
        long x = rig.upload(new float[160]);
        caught("misaligned_vector", 1, 32, 0, "(0,0,0)", List.of("misaligned read of 16 bytes", "4 bytes into a buffer of 640 bytes"), x, rig.driver.allocate(512));
    }

    @Test
    void useAfterFree() throws IOException {
        long y = rig.driver.allocate(128);
        rig.launch("writes_one", 1, 32, 0, y); // so that the instruction has met the buffer before
        rig.driver.free(y);
        caught("writes_one", 1, 32, 0, "(0,0,0)", List.of("a buffer of 128 bytes that has been freed"), y);
    }

    @Test
    void nullPointer() throws IOException {
        caught("writes_one", 1, 32, 0, "(0,0,0)", List.of("null pointer 0x0"), 0L);
    }

    @Test
    void endlessLoop() throws IOException {
        caught("endless", 1, 32, 0, "(0,0,0)", List.of("endless loop: more than " + BUDGET + " warp instructions"), rig.upload(new float[32]));
    }

    @Test
    void divergentBarrier() throws IOException {
        caught("divergent_barrier", 1, 64, 0, "(32,0,0)", List.of("divergent barrier: lane 8 of the same warp is elsewhere"), rig.driver.allocate(256));
    }

    @Test
    void barrierThatOthersHaveLeft() throws IOException {
        caught("barrier_after_return", 1, 64, 0, "(0,0,0)", List.of("divergent barrier: 32 of the block's 64 threads have exited"), rig.driver.allocate(256), 32);
    }

    @Test
    void sharedOutOfBounds() throws IOException {
        caught("shared_out_of_bounds", 1, 32, 128, "(30,0,0)", List.of("write of 4 bytes of shared memory at offset 128, 0 bytes after the end of the block's 128 bytes"),
                rig.driver.allocate(256), 2);
    }

    @Test
    void localOutOfBounds() throws IOException {
        caught("local_out_of_bounds", 1, 1, 0, "(0,0,0)", List.of("write of 4 bytes at local address 32, outside of the thread's 32 bytes"), rig.upload(new float[8]), 9);
    }

    @Test
    void constantPastTheEnd() throws IOException {
        caught("constant_past_end", 1, 4, 0, "(3,0,0)", List.of("0 bytes after the end of variable table of 16 bytes"), rig.driver.allocate(16), 1);
    }

    @Test
    void blocksThatWriteTheSame() throws IOException {
        caught("blocks_write_the_same", 2, 32, 0, "(0,0,0)", List.of("block (1,0,0)", "race in global memory: write after a write by block 0 of the same launch"),
                rig.driver.allocate(128));
    }

    @Test
    void writingWhatIsThereAlreadyHarmsNobody() {
        long y = rig.driver.allocate(128);
        rig.launch("blocks_write_the_same_value", 2, 32, 0, y);
        rig.launch("blocks_write_the_same_value", 2, 32, 0, y); // launches are ordered
        assertEquals(1f, rig.floats(y, 32)[31]);
    }

    @Test
    void blockThatReadsWhatAnotherWrote() throws IOException {
        caught("block_reads_anothers", 2, 32, 0, "(0,0,0)", List.of("block (1,0,0)", "race in global memory: read after a write by block 0 of the same launch"),
                rig.driver.allocate(384));
    }

    @Test
    void launchesAreOrdered() {
        long y = rig.driver.allocate(384);
        long x = rig.upload(new float[4 * 64]);
        for (int k = 0; k < 2; k++) {
            rig.launch("blocks_read_the_same", 3, 32, 0, x, y); // several blocks read x
            rig.launch("blocks_write_the_same_value", 1, 32, 0, x);
            rig.launch("writes_one", 1, 32, 0, x);
            rig.launch("write_past_end", 3, 32, 0, x, 95); // each block writes its own part of x
        }
        assertEquals(1f, rig.floats(y, 96)[95]);
    }

    @Test
    void fenceAndAtomicHandOver() {
        long y = rig.driver.allocate(40);
        rig.launch("last_block_collects", 10, 32, 0, y, rig.upload(0));
        assertEquals(45f, rig.floats(y, 1)[0]);
    }

    @Test
    void lanesThatWriteTheSame() throws IOException {
        caught("lanes_write_the_same", 1, 32, 0, "(1,0,0)", List.of("race in shared memory: write after a write by thread (0,0,0)"), rig.driver.allocate(128));
    }

    @Test
    void trap() throws IOException {
        caught("traps", 1, 32, 0, "(7,0,0)", List.of(": trap"), rig.driver.allocate(128), 7);
    }

    @Test
    void tooLargeABlock() {
        DriverException e = assertThrows(DriverException.class, () -> rig.launch("small_blocks", 1, 65, 0, rig.driver.allocate(400)));
        assertTrue(e.getMessage().contains("kernel small_blocks: block of [65, 1, 1] threads; at most 64"), e.getMessage());
        assertFalse(e.kind().sticky());
        rig.driver.allocate(4); // goes on
    }

    @Test
    void sharedMemoryNeedsToBeAskedFor() {
        DriverException e = assertThrows(DriverException.class, () -> rig.launch("shared_out_of_bounds", 1, 32, 50_000, rig.driver.allocate(128), 0));
        assertTrue(e.getMessage().contains("call maxDynamicShared"), e.getMessage());
        rig.driver.maxDynamicShared(rig.function("shared_out_of_bounds"), 50_000);
        long y = rig.driver.allocate(128);
        rig.launch("shared_out_of_bounds", 1, 32, 50_000, y, 0);
        assertArrayEquals(new float[] {1, 1}, rig.floats(y, 2));
    }

    @Test
    void doubleFree() {
        long y = rig.driver.allocate(128);
        rig.driver.free(y);
        DriverException e = assertThrows(DriverException.class, () -> rig.driver.free(y));
        assertTrue(e.getMessage().contains("a buffer of 128 bytes that has been freed"), e.getMessage());
    }

    @Test
    void outOfMemory() {
        rig.close();
        rig = new Rig(EmulatorOptions.DEFAULT.memory(1 << 20), "faults.ptx");
        long free = rig.driver.freeMemory();
        DriverException e = assertThrows(DriverException.class, () -> rig.driver.allocate(free + 1));
        assertEquals(Kind.OUT_OF_MEMORY, e.kind());
        rig.driver.free(rig.driver.allocate(free));
        assertEquals(free, rig.driver.freeMemory());
    }

    @Test
    void hostCopyBeyondABuffer() {
        long y = rig.driver.allocate(128);
        DriverException e = assertThrows(DriverException.class, () -> rig.floats(y, 33));
        assertTrue(e.getMessage().contains("copyToHost of 132 bytes"), e.getMessage());
    }
}
