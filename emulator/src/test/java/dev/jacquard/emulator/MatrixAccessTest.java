package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code ldmatrix}, {@code stmatrix} and {@code movmatrix}: which lane gets what, what banks that takes, and rows that are not there. */
class MatrixAccessTest {
    private final Rig rig = new Rig(EmulatorOptions.DEFAULT.counting(true), "tensor.ptx");

    @AfterEach
    void close() {
        rig.close();
    }

    /** Each thread copies 32 bytes of input to shared memory; r1 is where its row begins: row i at 32 i. @return four words of each thread */
    private static int[] run(String body, short[] x) {
        String all = """
                .shared .align 16 .b8 s[1024];
                mov.u32 %r10, %tid.x; ld.param.u64 %rd1, [in]; ld.param.u64 %rd2, [out];
                mul.wide.u32 %rd3, %r10, 32; add.s64 %rd1, %rd1, %rd3; mul.wide.u32 %rd4, %r10, 16; add.s64 %rd2, %rd2, %rd4;
                mov.u32 %r1, s; shl.b32 %r2, %r10, 5; add.u32 %r1, %r1, %r2; mov.b32 %r4, 0; mov.b32 %r5, 0; mov.b32 %r6, 0; mov.b32 %r7, 0;
                cp.async.cg.shared.global [%r1], [%rd1], 16; cp.async.cg.shared.global [%r1+16], [%rd1+16], 16; cp.async.wait_all; bar.sync 0;
                """ + body + "\nst.global.v4.b32 [%rd2], {%r4, %r5, %r6, %r7};";
        try (Rig rig = Rig.of("", all)) {
            int[] words = new int[256];
            for (int i = 0; i < 512; i++) {
                words[i / 2] |= (x[i] & 0xffff) << 16 * (i % 2);
            }
            long out = rig.driver.allocate(512);
            rig.launch("k", 1, 32, 0, rig.upload(words), out);
            return rig.ints(out, 128);
        }
    }

    private static short[] elements() {
        short[] x = new short[512];
        Random random = new Random(8);
        for (int i = 0; i < x.length; i++) {
            x[i] = (short) random.nextInt();
        }
        return x;
    }

    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "4, false", "1, true", "2, true", "4, true"})
    void loads(int count, boolean transposed) {
        short[] x = elements();
        String registers = count == 1 ? "%r4" : count == 2 ? "%r4, %r5" : "%r4, %r5, %r6, %r7";
        int[] got = run("ldmatrix.sync.aligned.m8n8.x" + count + (transposed ? ".trans" : "") + ".shared.b16 {" + registers + "}, [%r1+16];", x);
        for (int lane = 0; lane < 32; lane++) {
            for (int m = 0; m < 4; m++) {
                int want = 0;
                for (int j = 0; j < 2 && m < count; j++) {
                    int row = transposed ? lane % 4 * 2 + j : lane / 4;
                    int column = transposed ? lane / 4 : lane % 4 * 2 + j;
                    want |= (x[16 * (8 * m + row) + 8 + column] & 0xffff) << 16 * j;
                }
                assertEquals(want, got[4 * lane + m]);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, false", "2, true", "4, false", "4, true"})
    void storesUndoLoads(int count, boolean transposed) {
        short[] x = elements();
        String registers = count == 1 ? "{%r11}" : count == 2 ? "{%r11, %r12}" : "{%r11, %r12, %r13, %r14}";
        String trans = transposed ? ".trans" : "";
        int[] got = run("ldmatrix.sync.aligned.m8n8.x" + count + trans + ".shared.b16 " + registers + ", [%r1+16]; bar.sync 0; stmatrix.sync.aligned.m8n8.x" + count + trans
                + ".shared.b16 [%r1], " + registers + "; bar.sync 0; ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r1];", x);
        for (int lane = 0; lane < 32; lane++) {
            int from = 16 * lane + (lane < 8 * count ? 8 : 0); // rows of the matrices have moved
            for (int k = 0; k < 4; k++) {
                assertEquals(x[from + 2 * k] & 0xffff | x[from + 2 * k + 1] << 16, got[4 * lane + k]);
            }
        }
    }

    @Test
    void moves() {
        short[] x = elements();
        int[] got = run("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r4}, [%r1]; movmatrix.sync.aligned.m8n8.trans.b16 %r4, %r4; ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 "
                + "{%r5}, [%r1];", x);
        for (int lane = 0; lane < 32; lane++) {
            assertEquals(got[4 * lane + 1], got[4 * lane]);
        }
    }

    private float[] product(boolean byColumns, int swizzle, int swizzleOfLoad) {
        Random random = new Random(4);
        float[] a = new float[16 * 64];
        float[] b = new float[64 * 8];
        for (float[] m : new float[][] {a, b}) {
            for (int i = 0; i < m.length; i++) {
                m[i] = random.nextInt(17) - 8;
            }
        }
        long d = rig.driver.allocate(512);
        rig.launch("product", 1, 32, 0, rig.upload(halves(a)), rig.upload(halves(b)), d, byColumns ? 1 : 0, swizzle, swizzleOfLoad);
        float[] got = rig.floats(d, 128);
        for (int i = 0; i < 128; i++) {
            for (int k = 0; k < 64; k++) {
                got[i] -= a[i / 8 * 64 + k] * (byColumns ? b[i % 8 * 64 + k] : b[k * 8 + i % 8]);
            }
        }
        return got;
    }

    private static byte[] halves(float[] x) {
        byte[] bits = new byte[2 * x.length];
        for (int i = 0; i < x.length; i++) {
            short h = Float.floatToFloat16(x[i]);
            bits[2 * i] = (byte) h;
            bits[2 * i + 1] = (byte) (h >> 8);
        }
        return bits;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void swizzledRowsHaveNoConflicts(boolean byColumns) {
        assertArrayEquals(new float[128], product(byColumns, 7, 7));
        assertEquals(0, rig.driver.takeStats().getFirst().bankConflicts());
    }

    @Test
    void plainRowsConflict() {
        assertArrayEquals(new float[128], product(true, 0, 0));
        LaunchStats s = rig.driver.takeStats().getFirst();
        assertEquals(4 * (4 * 7 + 2 * 7), s.bankConflicts()); // 8 rows at a time, all in the same banks: of A four such phases per step, of B two
    }

    @Test
    void aWrongSwizzleGivesWrongNumbers() {
        float[] difference = product(true, 7, 3);
        assertTrue(Arrays.equals(new float[128], product(true, 7, 7)));
        assertFalse(Arrays.equals(new float[128], difference));
    }

    @Test
    void misalignedRow() throws IOException {
        TensorFaults.caught(rig, "misaligned_row", 32, 0, "(1,0,0)", "misaligned read of 16 bytes at shared address", rig.upload(new byte[256]), rig.driver.allocate(128), 0);
    }

    @Test
    void rowPastTheEnd() throws IOException {
        TensorFaults.caught(rig, "row_past_the_end", 32, 128, "(7,0,0)", "read of 16 bytes of shared memory at offset 128, 0 bytes after the end", rig.upload(new byte[256]),
                rig.driver.allocate(128), 4);
    }

    @Test
    void rowThatIsBeingCopied() throws IOException {
        TensorFaults.caught(rig, "row_in_flight", 32, 0, "(0,0,0)", "read of shared memory that cp.async of this thread", rig.upload(new byte[256]), rig.driver.allocate(128));
    }

    @Test
    void rowsThatOtherLanesWroteNeedAWarpBarrier() throws IOException {
        TensorFaults.caught(rig, "rows_without_syncwarp", 32, 0, "(0,0,0)", "race in shared memory: read after a write by thread (1,0,0)", rig.upload(new byte[256]),
                rig.driver.allocate(128));
    }

    @Test
    void partOfAWarp() throws IOException {
        TensorFaults.caught(rig, "rows_by_half_a_warp", 32, 0, "(0,0,0)", "ldmatrix by a part of the warp", rig.upload(new byte[256]), rig.driver.allocate(128));
    }
}
