package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Barriers in shared memory: phases, what they order, and misuse. The kernels are in src/test/cuda/hopper.cu. */
class MbarrierTest {
    private final Rig rig = new Rig(EmulatorOptions.DEFAULT, "hopper.ptx");

    @AfterEach
    void close() {
        rig.close();
    }

    private void caught(String kernel, int threads, String thread, String expected, Object... more) throws IOException {
        Object[] values = new Object[more.length + 1];
        values[0] = rig.driver.allocate(1024);
        System.arraycopy(more, 0, values, 1, more.length);
        TensorFaults.caughtIn("hopper.cu", rig, kernel, threads, 0, thread, expected, values);
    }

    @Test
    void phasesOrderWhatWarpsDo() {
        long y = rig.driver.allocate(512);
        rig.launch("phases", 1, 128, 0, y, 5);
        int[] s = new int[128];
        int[] sum = new int[128];
        for (int i = 0; i < 128; i++) {
            s[i] = i;
        }
        for (int k = 0; k < 5; k++) {
            for (int i = 0; i < 128; i++) {
                sum[i] += s[i ^ 96];
            }
            System.arraycopy(sum, 0, s, 0, 128);
        }
        assertArrayEquals(sum, rig.ints(y, 128));
    }

    @Test
    void anArrivalIsNoWait() throws IOException {
        caught("arrival_without_wait", 64, "(32,0,0)", "race in shared memory: read after a write by thread (0,0,0)");
    }

    @Test
    void withoutInit() throws IOException {
        caught("without_init", 64, "(0,0,0)", "mbarrier.arrive: no mbarrier has been initialised at offset 0 of");
    }

    @Test
    void initWithoutBarrier() throws IOException {
        caught("init_without_barrier", 64, "(32,0,0)", "mbarrier.arrive: race with the mbarrier.init of another warp");
    }

    @Test
    void countsThatDoNotExist() throws IOException {
        caught("init_of", 32, "(0,0,0)", "mbarrier.init with a count of 0, must be 1 to 1048575", 0);
    }

    @Test
    void countTooLarge() throws IOException {
        caught("init_of", 32, "(0,0,0)", "mbarrier.init with a count of 1048576, must be 1 to 1048575", 1 << 20);
    }

    @Test
    void tooManyArrivals() throws IOException {
        caught("too_many_arrivals", 64, "(40,0,0)", "1 arrivals at the mbarrier at offset 0 of the block's 8 bytes, whose phase 0 expects 0 more of 40");
    }

    @Test
    void tooManyBytes() throws IOException {
        caught("too_many_bytes", 32, "(0,0,0)", "a tx-count of 1048576 bytes");
    }

    @Test
    void deadlock() throws IOException {
        caught("never_complete", 64, "(32,0,0)", "deadlock: waits at the mbarrier at offset 0 of the block's 8 bytes, which nobody can complete: phase 0 still expects 1 of 64 "
                + "arrivals and 0 bytes");
    }

    @Test
    void overwritten() throws IOException {
        caught("barrier_overwritten", 32, "(5,0,0)", "write to shared memory that is an mbarrier, made by mbarrier.init (hopper.cu");
    }

    @Test
    void invalidated() throws IOException {
        caught("invalidated", 32, "(0,0,0)", "mbarrier.arrive: no mbarrier has been initialised");
    }

    /** Runs instructions on a barrier in r1 by one warp, of which a first lane's predicate is p2; rd3 is what all store. */
    private static long[] of(String body) {
        String whole = """
                .shared .align 8 .b64 s;
                mov.u32 %r10, %tid.x; ld.param.u64 %rd2, [out]; mul.wide.u32 %rd4, %r10, 8; add.s64 %rd2, %rd2, %rd4; mov.u32 %r1, s; setp.eq.u32 %p2, %r10, 0; mov.u64 %rd3, 0;
                """ + body + "\nst.global.u64 [%rd2], %rd3;";
        try (Rig rig = Rig.of("", whole)) {
            long y = rig.driver.allocate(256);
            rig.launch("k", 1, 32, 0, 0L, y);
            return rig.longs(y, 32);
        }
    }

    private static String test(int parity) {
        return "mbarrier.test_wait.parity.shared::cta.b64 %p1, [%r1], " + parity + "; selp.u64 %rd3, 1, 0, %p1;";
    }

    @Test
    void arrivalsMayBeManyAndBytesBeExpectedAndCompletedApart() {
        String init = "@%p2 mbarrier.init.shared.b64 [%r1], 70; bar.sync 0; mbarrier.arrive.release.cta.shared::cta.b64 _, [%r1], 2;";
        assertEquals(0, of(init + test(0))[5]);
        assertEquals(1, of(init + "@%p2 mbarrier.arrive.shared.b64 %rd5, [%r1], 6;" + test(0))[5]);
        String bytes = init + "@%p2 mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%r1], 48; @%p2 mbarrier.arrive.shared.b64 %rd5, [%r1], 6;";
        assertEquals(0, of(bytes + test(0))[5]);
        assertEquals(1, of(bytes + "@%p2 mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%r1], 48;" + test(0))[5]);
        assertEquals(1, of(init + test(1))[5]); // of the phase before the first
    }

    @Test
    void waitsOfInlineAssemblyMayHaveTheSameLabels() {
        String wait = "{ .reg .pred p; AGAIN: mbarrier.try_wait.parity.shared::cta.b64 p, [%%r1], %d; @p bra DONE; bra AGAIN; DONE: }\n";
        String arrive = "mbarrier.arrive.shared.b64 _, [%r1];";
        String body = "@%p2 mbarrier.init.shared.b64 [%r1], 32; bar.sync 0;" + arrive + wait.formatted(0) + "add.s64 %rd3, %rd3, 1;" + arrive + wait.formatted(1)
                + "add.s64 %rd3, %rd3, 10;";
        assertEquals(11, of(body)[31]);
    }

    @Test
    void whoDropsOutIsNotExpectedAgain() {
        String drop = "@%p2 mbarrier.init.shared.b64 [%r1], 33; bar.sync 0; @%p2 mbarrier.arrive_drop.shared.b64 _, [%r1]; mbarrier.arrive.shared.b64 _, [%r1];";
        assertEquals(1, of(drop + test(0))[0]);
        assertEquals(0, of(drop + test(1))[0]);
        assertEquals(1, of(drop + "mbarrier.arrive.shared.b64 _, [%r1];" + test(1))[0]);
    }

    @Test
    void statesAreOfThisPhaseOrTheOneBefore() {
        String two = "@%p2 mbarrier.init.shared.b64 [%r1], 32; bar.sync 0; mbarrier.arrive.shared.b64 %rd5, [%r1]; mbarrier.arrive.shared.b64 _, [%r1];";
        DriverException e = assertThrows(DriverException.class, () -> of(two + "mbarrier.test_wait.shared.b64 %p1, [%r1], %rd5;"));
        assertTrue(e.getMessage().contains("mbarrier wait for the state of phase 0, which is neither phase 2 nor the one before"), e.getMessage());
        assertTrue(assertThrows(DriverException.class, () -> of(two + "mbarrier.test_wait.parity.shared.b64 %p1, [%r1], 2;")).getMessage().contains("a parity of 2"));
        assertTrue(assertThrows(DriverException.class, () -> of(two + "@%p2 mbarrier.init.shared.b64 [%r1], 32;")).getMessage().contains("without mbarrier.inval before"));
    }
}
