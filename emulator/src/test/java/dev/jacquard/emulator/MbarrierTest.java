package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

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
        caught("never_complete", 64, "(32,0,0)", "deadlock: waits at the mbarrier at offset 0 of the block's 8 bytes, which nobody can complete: phase 0 still expects 1 of 64 arrivals and 0 bytes");
    }

    @Test
    void overwritten() throws IOException {
        caught("barrier_overwritten", 32, "(5,0,0)", "write to shared memory that is an mbarrier, made by mbarrier.init (hopper.cu");
    }

    @Test
    void invalidated() throws IOException {
        caught("invalidated", 32, "(0,0,0)", "mbarrier.arrive: no mbarrier has been initialised");
    }
}
