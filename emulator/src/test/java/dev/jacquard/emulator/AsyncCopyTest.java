package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code cp.async}: what it copies, when, and the ways in which kernels forget to wait. The kernels are in src/test/cuda/tensor.cu. */
class AsyncCopyTest {
    private static final String WAITED = " is filling and that has not been waited for, at offset ";

    private Rig rig = new Rig(EmulatorOptions.DEFAULT.counting(true), "tensor.ptx");

    @AfterEach
    void close() {
        rig.close();
    }

    private static float[] numbers(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = i + 1;
        }
        return x;
    }

    @ParameterizedTest
    @ValueSource(ints = {28, 24, 23, 16, 13, 1, 0})
    void widthsAndZeros(int n) {
        byte[] x = new byte[1024];
        new Random(1).nextBytes(x);
        long y = rig.upload(new byte[1024]);
        rig.launch("copies", 1, 32, 0, rig.upload(x), y, n);
        int[] want = new int[256];
        for (int i = 0; i < 1024; i++) {
            want[i / 4] |= (i % 32 < n ? x[i] & 0xff : 0) << 8 * (i % 4);
        }
        assertArrayEquals(want, rig.ints(y, 256));
        LaunchStats s = rig.driver.takeStats().getFirst();
        assertEquals(32L * n, s.bytesRead());
        assertEquals(32L * n, s.loads().bytes());
    }

    @Test
    void whatZerosReplaceIsNotRead() {
        byte[] few = new byte[31 * 32 + 5];
        long y = rig.driver.allocate(1024);
        rig.launch("copies", 1, 32, 0, rig.upload(few), y, 5); // the last thread's source ends after five bytes
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 11})
    void pipelines(int k) {
        float[] x = numbers(64 * k);
        long y = rig.driver.allocate(256);
        rig.launch("pipeline", 1, 64, 0, rig.upload(x), y, k);
        float[] got = rig.floats(y, 64);
        for (int i = 0; i < 64; i++) {
            float sum = 0;
            for (int j = 0; j < k; j++) {
                sum += x[64 * j + 63 - i];
            }
            assertEquals(sum, got[i]);
        }
        LaunchStats s = rig.driver.takeStats().getFirst();
        assertEquals(256L * k, s.bytesRead());
        assertEquals(8L * k, s.loads().sectors());
        assertEquals(2L * (k + k), s.sharedRequests()); // both warps: as many copies as loads
        assertEquals(0, s.bankConflicts());
    }

    @Test
    void missingWait() throws IOException {
        TensorFaults.caught(rig, "missing_wait", 64, 0, "(0,0,0)", "read of shared memory that cp.async of this thread (tensor.cu:", rig.upload(numbers(64)),
                rig.driver.allocate(256));
    }

    @Test
    void missingCommit() throws IOException {
        TensorFaults.caught(rig, "missing_commit", 64, 0, "(0,0,0)", WAITED + "0 of", rig.upload(numbers(64)), rig.driver.allocate(256));
    }

    @Test
    void waitCountTooHigh() throws IOException {
        TensorFaults.caught(rig, "wait_count_too_high", 64, 0, "(0,0,0)", WAITED + "252 of", rig.upload(numbers(128)), rig.driver.allocate(256), 2);
    }

    @Test
    void otherThreadsNeedABarrierAfterTheWait() throws IOException {
        TensorFaults.caught(rig, "missing_barrier_after_wait", 64, 0, "(0,0,0)", "race in shared memory: read after a write by thread (1,0,0) (tensor.cu:", rig.upload(numbers(64)),
                rig.driver.allocate(256));
    }

    @Test
    void aBarrierBeforeTheWaitDoesNotCount() throws IOException {
        TensorFaults.caught(rig, "barrier_before_wait", 64, 0, "(0,0,0)", "race in shared memory: read after a write by thread (1,0,0)", rig.upload(numbers(64)),
                rig.driver.allocate(256));
    }

    @Test
    void refillOfWhatOthersRead() throws IOException {
        TensorFaults.caught(rig, "refill_without_barrier", 64, 0, "(32,0,0)", "race in shared memory: write after a read by thread (0,0,0)", rig.upload(numbers(128)),
                rig.driver.allocate(256));
    }

    @Test
    void writeWhileCopying() throws IOException {
        TensorFaults.caught(rig, "write_while_copying", 64, 0, "(0,0,0)", "write to shared memory that cp.async of this thread", rig.upload(numbers(64)), rig.driver.allocate(256));
    }

    @Test
    void copiesOverlap() throws IOException {
        TensorFaults.caught(rig, "copies_overlap", 64, 0, "(1,0,0)", "write to shared memory that cp.async of thread (0,0,0)", rig.upload(numbers(64)), rig.driver.allocate(256));
    }

    @Test
    void misaligned() throws IOException {
        TensorFaults.caught(rig, "misaligned_copy", 8, 0, "(0,0,0)", "misaligned read of 16 bytes at ", rig.upload(numbers(64)), rig.driver.allocate(256));
    }

    @Test
    void misalignedDestination() throws IOException {
        TensorFaults.caught(rig, "misaligned_destination", 8, 0, "(0,0,0)", "misaligned write of 8 bytes at shared address", rig.upload(numbers(64)), rig.driver.allocate(256));
    }

    @Test
    void pastTheEnd() throws IOException {
        TensorFaults.caught(rig, "copy_past_the_end", 32, 0, "(31,0,0)", "read of 13 bytes at ", rig.upload(numbers(127)), rig.driver.allocate(256), 13);
    }

    @Test
    void sourceLargerThanTheCopy() throws IOException {
        TensorFaults.caught(rig, "copy_past_the_end", 32, 0, "(0,0,0)", "cp.async of 16 bytes with a source size of 17", rig.upload(numbers(256)), rig.driver.allocate(256), 17);
    }

    @Test
    void sourceNeverWritten() throws IOException {
        TensorFaults.caught(rig, "copy_past_the_end", 32, 0, "(0,0,0)", "read of memory that was never written, 16 bytes", rig.driver.allocate(512), rig.driver.allocate(256), 16);
    }

    @Test
    void pastTheEndOfSharedMemory() throws IOException {
        TensorFaults.caught(rig, "copy_past_shared", 32, 128, "(31,0,0)", "write of 4 bytes of shared memory at offset 128", rig.upload(numbers(64)), rig.driver.allocate(256), 1);
    }

    @Test
    void withoutChecksTheOldBytesAreThereUntilTheWait() {
        rig.close();
        rig = new Rig(EmulatorOptions.DEFAULT.unchecked(), "tensor.ptx");
        long y = rig.driver.allocate(256);
        rig.launch("missing_wait", 1, 64, 0, rig.upload(numbers(64)), y);
        assertArrayEquals(new float[64], rig.floats(y, 64));
    }

    /** Runs a body of PTX with a predicate p1 for odd threads, 64-bit source rd1, shared destination r1. @return thread's words */
    private static int[] odd(String copy) {
        String body = """
                .shared .align 16 .b8 s[512];
                mov.u32 %r10, %tid.x; ld.param.u64 %rd1, [in]; ld.param.u64 %rd2, [out]; mul.wide.u32 %rd3, %r10, 16; add.s64 %rd1, %rd1, %rd3; add.s64 %rd2, %rd2, %rd3;
                mov.u32 %r1, s; shl.b32 %r2, %r10, 4; add.u32 %r1, %r1, %r2; and.b32 %r3, %r10, 1; setp.ne.s32 %p1, %r3, 0;
                """ + copy + """

                cp.async.wait_all;
                ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r1]; st.global.v4.b32 [%rd2], {%r4, %r5, %r6, %r7};
                """;
        try (Rig rig = Rig.of("", body)) {
            int[] x = new Random(3).ints(128).toArray();
            long y = rig.driver.allocate(512);
            rig.launch("k", 1, 32, 0, rig.upload(x), y);
            int[] got = rig.ints(y, 128);
            for (int i = 0; i < 128; i++) {
                got[i] -= x[i];
            }
            return got;
        }
    }

    @Test
    void predicatesPoliciesAndHints() {
        assertArrayEquals(new int[128], odd("cp.async.cg.shared.global.L2::128B [%r1], [%rd1], 16;"));
        assertArrayEquals(new int[128], odd("mov.u64 %rd9, 0; cp.async.cg.shared.global.L2::cache_hint [%r1], [%rd1], 16, %rd9;"));
        assertArrayEquals(new int[128], odd("cp.async.ca.shared::cta.global [%r1], [%rd1], 16; cp.async.commit_group; cp.async.wait_group 0;"));
        int[] ignored = odd("cp.async.cg.shared.global [%r1], [%rd1], 16, %p1;");
        for (int i = 0; i < 128; i++) {
            assertEquals(i / 4 % 2 == 0, ignored[i] == 0);
        }
    }

    @Test
    void sizesThatDoNotExist() {
        for (String bad : new String[] {"cg.shared.global [%r1], [%rd1], 8", "ca.shared.global [%r1], [%rd1], 2", "ca.shared.global [%r1], [%rd1], 32"}) {
            String message = assertThrows(DriverException.class, () -> odd("cp.async." + bad + ";")).getMessage();
            assertTrue(message.contains("ca copies 4, 8 or 16, cg 16"), message);
        }
        assertTrue(assertThrows(DriverException.class, () -> odd("cp.async.mbarrier.arrive.b64 [%rd1];")).getMessage().contains("does not know cp.async.mbarrier.arrive"));
    }
}
