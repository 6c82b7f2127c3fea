package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A whole 2:4 sparse product as a kernel would do it: a matrix is pruned, compressed and its metadata permuted on the host, and multiplied with {@code mma.sp}. The kernel is in
 * src/test/cuda/tensor.cu.
 */
class SparseProductTest {
    private static final int ROWS = 32;
    private static final int K = 96;

    private final Rig rig = new Rig(EmulatorOptions.DEFAULT.counting(true), "tensor.ptx");
    private final float[][] full = new float[ROWS][K];
    private final float[] b = new float[8 * K];
    private final short[] stored = new short[ROWS * K / 2];
    private final int[] metadata = new int[K];

    @AfterEach
    void close() {
        rig.close();
    }

    /** Of each four the two largest stay. */
    private void prune() {
        Random random = new Random(12);
        for (int i = 0; i < b.length; i++) {
            b[i] = random.nextInt(33) - 16;
        }
        for (int row = 0; row < ROWS; row++) {
            for (int k = 0; k < K; k++) {
                full[row][k] = random.nextInt(65) - 32;
            }
            for (int k = 0; k < K; k += 4) {
                int first = largest(row, k, -1);
                int second = largest(row, k, first);
                for (int i = 0; i < 4; i++) {
                    full[row][k + i] = i == first || i == second ? full[row][k + i] : 0;
                }
                keep(row, k / 4, Math.min(first, second), Math.max(first, second));
            }
        }
    }

    private int largest(int row, int k, int but) {
        int best = but == 0 ? 1 : 0;
        for (int i = best + 1; i < 4; i++) {
            if (i != but && Math.abs(full[row][k + i]) > Math.abs(full[row][k + best])) {
                best = i;
            }
        }
        return best;
    }

    /** Stores two of four; of each 32 of k a lane has 16 bits of row r and above them those of row r + 8. */
    private void keep(int row, int q, int low, int high) {
        stored[row * K / 2 + 2 * q] = Float.floatToFloat16(full[row][4 * q + low]);
        stored[row * K / 2 + 2 * q + 1] = Float.floatToFloat16(full[row][4 * q + high]);
        int lane = 4 * (row % 8) + 2 * (row / 16) + q % 8 / 4;
        metadata[q / 8 * 32 + lane] |= (low | high << 2) << 16 * (row / 8 % 2) + 4 * (q % 4);
    }

    private float[] run() {
        int[] words = new int[stored.length / 2];
        for (int i = 0; i < stored.length; i++) {
            words[i / 2] |= (stored[i] & 0xffff) << 16 * (i % 2);
        }
        int[] right = new int[b.length / 2];
        for (int i = 0; i < b.length; i++) {
            right[i / 2] |= (Float.floatToFloat16(b[i]) & 0xffff) << 16 * (i % 2);
        }
        long d = rig.driver.allocate(4 * ROWS * 8);
        rig.launch("sparse_product", 1, 32, 0, rig.upload(words), rig.upload(metadata), rig.upload(right), d, K);
        return rig.floats(d, ROWS * 8);
    }

    @Test
    void equalsTheProductOfThePrunedMatrix() {
        prune();
        float[] got = run();
        for (int i = 0; i < got.length; i++) {
            float sum = 0; // of small integers: exact
            for (int k = 0; k < K; k++) {
                sum += full[i / 8][k] * b[8 * k + i % 8];
            }
            assertEquals(sum, got[i], "element " + i);
        }
        LaunchStats s = rig.driver.takeStats().getFirst();
        assertEquals(0, s.bankConflicts());
        assertEquals(ROWS * K + 4 * K + 16 * K, s.bytesRead()); // half of a, two bits per stored element of it, b
        assertEquals(2L * K / 32, s.instructions().get(LaunchStats.Kind.TENSOR));
    }

    @Test
    void exchangedIndicesAreCaught() {
        prune();
        int four = metadata[32 + 7] >>> 8 & 15;
        metadata[32 + 7] ^= (four ^ (four >> 2 | four << 2 & 15)) << 8;
        String message = assertThrows(DriverException.class, this::run).getMessage();
        assertTrue(message.contains("thread (7,0,0): bad metadata of a sparse matrix: indices ") && message.contains("of row 1, columns 24 to 27, do not increase"), message);
    }
}
