package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.emulator.LaunchStats.Kind;
import dev.jacquard.kernels.driver.DriverException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The first kernel on tensor cores, kernels/dev/gemm_f16: that what the emulator knows of them carries a whole kernel, and that its counters tell the versions apart. */
class GemmLadderTest {
    private final Rig rig = new Rig(EmulatorOptions.DEFAULT.counting(true), "gemm_ladder.ptx");

    @AfterEach
    void close() {
        rig.close();
    }

    /** Random halves, two per word. */
    private static int[] halves(int n, Random random) {
        int[] words = new int[n / 2];
        for (int i = 0; i < n; i++) {
            words[i / 2] |= (Float.floatToFloat16((float) random.nextGaussian()) & 0xffff) << 16 * (i % 2);
        }
        return words;
    }

    private static float half(int[] words, int i) {
        return Float.float16ToFloat((short) (words[i / 2] >>> 16 * (i % 2)));
    }

    /** Runs a version and compares with the product in double. @return its results */
    private int[] run(String kernel, int m, int n, int k) {
        Random random = new Random(m + 31L * n + 1009L * k);
        int[] a = halves(m * k, random);
        int[] b = halves(k * n, random);
        long c = rig.driver.allocate(2L * m * n);
        rig.launch(kernel, (m + 127) / 128 * ((n + 127) / 128), 128, 0, rig.upload(a), rig.upload(b), c, m, n, k);
        int[] got = rig.ints(c, m * n / 2);
        for (int i = 0; i < m * n; i++) {
            double sum = 0;
            double size = 0;
            for (int j = 0; j < k; j++) {
                double p = (double) half(a, i / n * k + j) * half(b, j * n + i % n);
                sum += p;
                size += Math.abs(p);
            }
            assertEquals(sum, half(got, i), Math.abs(sum) * 0x1p-11 + size * k * 0x1p-24 + 0x1p-25, "element " + i);
        }
        return got;
    }

    @ParameterizedTest
    @CsvSource({"128, 128, 32", "256, 128, 160", "1, 8, 8", "130, 136, 40", "77, 200, 104", "2, 8, 33000"})
    void equalsTheProductInDouble(int m, int n, int k) {
        run("gemm_swizzled_f16", m, n, k);
    }

    @Test
    void countsOfTheVersions() {
        int m = 256;
        int n = 128;
        int k = 96;
        int[] plain = run("gemm_plain_f16", m, n, k);
        int[] swizzled = run("gemm_swizzled_f16", m, n, k);
        assertArrayEquals(plain, swizzled);
        List<LaunchStats> stats = rig.driver.takeStats();
        LaunchStats v1 = stats.get(0);
        LaunchStats v2 = stats.get(1);
        assertTrue(v1.bankConflicts() > v2.sharedRequests(), v1.toString());
        assertEquals(0, v2.bankConflicts());
        assertEquals(2L * (m * k + k * n), v2.bytesRead());
        assertEquals(2L * m * n, v2.bytesWritten());
        assertEquals(2L * (m * k + 2 * k * n), v2.loads().bytes()); // two blocks share b
        assertEquals(1, v2.loads().sectorRatio());
        assertEquals(1, v2.stores().sectorRatio());
        assertEquals((long) m * n * k / (16 * 8 * 16), v2.instructions().get(Kind.TENSOR));
    }

    /** The kernel with one thing changed in its text. @return what the emulator says */
    private static String broken(String from, String to) throws IOException {
        String text;
        try (InputStream in = GemmLadderTest.class.getResourceAsStream("gemm_ladder.ptx")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        assertTrue(text.contains(from), from);
        try (Rig wrong = new Rig(EmulatorOptions.DEFAULT, "broken", text.replace(from, to).getBytes(StandardCharsets.UTF_8))) {
            long a = wrong.upload(halves(128 * 160, new Random(1)));
            long c = wrong.driver.allocate(2 * 128 * 128);
            return assertThrows(DriverException.class, () -> wrong.launch("gemm_swizzled_f16", 1, 128, 0, a, a, c, 128, 128, 160)).getMessage();
        }
    }

    @Test
    void whatMayBeForgottenInAPipelineIsCaught() throws IOException {
        String early = broken("cp.async.wait_group 1;", "cp.async.wait_group 2;");
        assertTrue(early.contains("read of shared memory that cp.async of this thread is filling and that has not been waited for"), early);
        assertTrue(early.contains("ldmatrix.sync.aligned.m8n8.x4.shared.b16"), early);
        String unordered = broken("bar.sync 0;", "bar.warp.sync -1;");
        assertTrue(unordered.contains("read of shared memory that was never written") || unordered.contains("race in shared memory"), unordered);
        String uncommitted = broken("cp.async.commit_group;", "");
        assertTrue(uncommitted.contains("has not been waited for"), uncommitted);
    }
}
