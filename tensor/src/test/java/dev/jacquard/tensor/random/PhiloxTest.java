package dev.jacquard.tensor.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.ShapeException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PhiloxTest {
    private static final long SEED = 0x0123456789abcdefL;

    /** The vectors published with Random123 (kat_vectors, philox4x32 with 10 rounds). */
    @Test
    void knownAnswers() {
        assertBlock(0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        assertBlock(-1, -1, -1, 0xffffffffL, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
        assertBlock(0x299f31d0a4093822L, 0x85a308d3, 0x0370734413198a2eL, 0x243f6a88L, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    }

    private static void assertBlock(long seed, int stream, long step, long block, int... expected) {
        int[] words = new int[4];
        Philox.block(seed, stream, step, block, words);
        assertArrayEquals(expected, words);
        for (int i = 0; i < 4; i++) {
            assertEquals(expected[i], Philox.word(seed, stream, step, block * 4 + i));
        }
    }

    @Test
    void rangesAgreeWithSingleElementsWhereverTheyBegin() {
        long[] firsts = {0, 1, 2, 3, 4, 1023, Philox.MAX_ELEMENTS - 11};
        for (long first : firsts) {
            int n = 11;
            int[] words = new int[n + 3];
            float[] uniforms = new float[n + 3];
            float[] normals = new float[n + 3];
            Philox.words(SEED, 7, 1L << 40, first, words, 2, n);
            Philox.uniforms(SEED, 7, 1L << 40, first, uniforms, 2, n);
            Philox.normals(SEED, 7, 1L << 40, first, normals, 2, n);
            for (int i = 0; i < n; i++) {
                int word = Philox.word(SEED, 7, 1L << 40, first + i);
                assertEquals(word, words[i + 2]);
                assertEquals(Philox.uniform(word), uniforms[i + 2]);
                assertEquals(Philox.normal(SEED, 7, 1L << 40, first + i), normals[i + 2]);
            }
            assertEquals(0, words[1] | words[n + 2], "no write outside of the range");
        }
    }

    @Test
    void everyPartOfTheCounterMatters() {
        Set<Integer> seen = new HashSet<>();
        for (int bit = 0; bit < 64; bit++) {
            seen.add(Philox.word(SEED ^ 1L << bit, 0, 0, 0));
            seen.add(Philox.word(SEED, 0, 1L << bit, 0));
            if (bit < 32) {
                seen.add(Philox.word(SEED, 1 << bit, 0, 0));
            }
            if (bit < 34) {
                seen.add(Philox.word(SEED, 0, 0, 1L << bit));
            }
        }
        assertEquals(64 + 64 + 32 + 34, seen.size());
    }

    @Test
    void uniformsStayInRange() {
        assertEquals(0f, Philox.uniform(0));
        assertEquals(0f, Philox.uniform(255), "the lower 8 bits are dropped");
        assertEquals(1f - 0x1p-24f, Philox.uniform(-1));
    }

    @Test
    void uniformsAreEvenByChiSquare() {
        int n = 1 << 18;
        int bins = 256;
        float[] u = new float[n];
        Philox.uniforms(SEED, 3, 5, 0, u, 0, n);
        int[] counts = new int[bins];
        double sum = 0;
        double squares = 0;
        double lagged = 0;
        for (int i = 0; i < n; i++) {
            counts[(int) (u[i] * bins)]++;
            sum += u[i];
            squares += (double) u[i] * u[i];
            lagged += i == 0 ? 0 : (u[i] - 0.5) * (u[i - 1] - 0.5);
        }
        double chi = 0;
        double expected = (double) n / bins;
        for (int c : counts) {
            chi += (c - expected) * (c - expected) / expected;
        }
        // 255 degrees of freedom: mean 255, deviation 22.6; five deviations either way.
        assertTrue(chi > 142 && chi < 368, "chi-square " + chi);
        assertEquals(0.5, sum / n, 5 * Math.sqrt(1.0 / 12 / n));
        assertEquals(1.0 / 3, squares / n, 5 * Math.sqrt(4.0 / 45 / n));
        assertEquals(0, lagged / n, 5 / 12.0 / Math.sqrt(n));
    }

    @Test
    void normalsHaveTheMomentsOfTheNormal() {
        int n = 1 << 18;
        float[] z = new float[n];
        Philox.normals(SEED, 1, 2, 0, z, 0, n);
        double[] moments = new double[5];
        double pairs = 0;
        for (int i = 0; i < n; i++) {
            for (int k = 1; k <= 4; k++) {
                moments[k] += Math.pow(z[i], k) / n;
            }
            pairs += (i & 1) == 0 ? z[i] * z[i + 1] : 0;
            assertTrue(Math.abs(z[i]) < 5.78, "finite and bounded");
        }
        // Deviations of the sample moments: sqrt(var(z^k) / n) with var 1, 2, 15, 96.
        assertEquals(0, moments[1], 5 * Math.sqrt(1.0 / n));
        assertEquals(1, moments[2], 5 * Math.sqrt(2.0 / n));
        assertEquals(0, moments[3], 5 * Math.sqrt(15.0 / n));
        assertEquals(3, moments[4], 5 * Math.sqrt(96.0 / n));
        assertEquals(0, pairs / (n / 2.0), 5 / Math.sqrt(n / 2.0), "cosine and sine are independent");
    }

    @Test
    void refusesElementsOutOfRange() {
        assertThrows(ShapeException.class, () -> Philox.word(0, 0, 0, -1));
        assertThrows(ShapeException.class, () -> Philox.word(0, 0, 0, Philox.MAX_ELEMENTS));
        assertThrows(ShapeException.class, () -> Philox.normal(0, 0, 0, Philox.MAX_ELEMENTS));
        assertThrows(ShapeException.class, () -> Philox.block(0, 0, 0, 1L << 32, new int[4]));
        assertThrows(ShapeException.class, () -> Philox.uniforms(0, 0, 0, Philox.MAX_ELEMENTS - 1, new float[2], 0, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> Philox.uniforms(0, 0, 0, 0, new float[2], 1, 2));
    }
}
