package dev.jacquard.data;

import java.util.Arrays;

/**
 * The inverse cosine transform of 8x8 blocks, by the method of Loeffler, Ligtenberg and Moschytz (1989) with 13-bit constants: to the bit what libjpeg's
 * accurate integer transform gives. Not thread-safe.
 */
final class InverseDct {
    private static final int CONSTANT = 13;
    private static final int EXTRA = 2; // bits that the first pass keeps
    private static final int FIRST = CONSTANT - EXTRA;
    private static final int SECOND = CONSTANT + EXTRA + 3;
    private static final int SPARSE = 9; // the first ten in zigzag order lie in the first four rows and columns

    private final int[] work = new int[64];

    /**
     * Transforms a block and clears it.
     *
     * @param in     (8, 8) coefficients
     * @param last   the last in zigzag order that may be other than 0
     * @param out    gets the levels, 0 to 255
     * @param at     of the first in {@code out}
     * @param stride from row to row
     */
    void block(int[] in, int last, byte[] out, int at, int stride) {
        if (last == 0) {
            byte level = level((in[0] << EXTRA) + 16 >> 5);
            for (int y = 0, t = at; y < 8; y++, t += stride) {
                Arrays.fill(out, t, t + 8, level);
            }
            in[0] = 0;
            return;
        }
        int columns = last <= SPARSE ? 4 : 8;
        for (int x = 0; x < columns; x++) {
            column(in, x);
        }
        Arrays.fill(in, 0, 64, 0);
        if (last <= SPARSE) {
            for (int y = 0, t = at; y < 8; y++, t += stride) {
                sparseRow(y * 8, out, t);
            }
        } else {
            for (int y = 0, t = at; y < 8; y++, t += stride) {
                row(y * 8, out, t);
            }
        }
    }

    private void column(int[] in, int x) {
        int[] to = work;
        int a1 = in[x + 8];
        int a2 = in[x + 16];
        int a3 = in[x + 24];
        int a4 = in[x + 32];
        int a5 = in[x + 40];
        int a6 = in[x + 48];
        int a7 = in[x + 56];
        if ((a1 | a2 | a3 | a4 | a5 | a6 | a7) == 0) {
            int level = in[x] << EXTRA;
            for (int y = x; y < 64; y += 8) {
                to[y] = level;
            }
            return;
        }
        int z = (a2 + a6) * 4433;
        int even2 = z - a6 * 15137;
        int even3 = z + a2 * 6270;
        int even0 = in[x] + a4 << CONSTANT;
        int even1 = in[x] - a4 << CONSTANT;
        int half = 1 << FIRST - 1;
        int e0 = even0 + even3 + half;
        int e3 = even0 - even3 + half;
        int e1 = even1 + even2 + half;
        int e2 = even1 - even2 + half;
        int z5 = (a7 + a3 + a5 + a1) * 9633;
        int z1 = (a7 + a1) * -7373;
        int z2 = (a5 + a3) * -20995;
        int z3 = (a7 + a3) * -16069 + z5;
        int z4 = (a5 + a1) * -3196 + z5;
        int o0 = a7 * 2446 + z1 + z3;
        int o1 = a5 * 16819 + z2 + z4;
        int o2 = a3 * 25172 + z2 + z3;
        int o3 = a1 * 12299 + z1 + z4;
        to[x] = e0 + o3 >> FIRST;
        to[x + 8] = e1 + o2 >> FIRST;
        to[x + 16] = e2 + o1 >> FIRST;
        to[x + 24] = e3 + o0 >> FIRST;
        to[x + 32] = e3 - o0 >> FIRST;
        to[x + 40] = e2 - o1 >> FIRST;
        to[x + 48] = e1 - o2 >> FIRST;
        to[x + 56] = e0 - o3 >> FIRST;
    }

    private void row(int y, byte[] out, int t) {
        int[] in = work;
        int a0 = in[y];
        int a1 = in[y + 1];
        int a2 = in[y + 2];
        int a3 = in[y + 3];
        int a4 = in[y + 4];
        int a5 = in[y + 5];
        int a6 = in[y + 6];
        int a7 = in[y + 7];
        int z = (a2 + a6) * 4433;
        int even2 = z - a6 * 15137;
        int even3 = z + a2 * 6270;
        int z5 = (a7 + a3 + a5 + a1) * 9633;
        int z1 = (a7 + a1) * -7373;
        int z2 = (a5 + a3) * -20995;
        int z3 = (a7 + a3) * -16069 + z5;
        int z4 = (a5 + a1) * -3196 + z5;
        store(out, t, a0 + a4 << CONSTANT, a0 - a4 << CONSTANT, even2, even3, a7 * 2446 + z1 + z3, a5 * 16819 + z2 + z4, a3 * 25172 + z2 + z3, a1 * 12299 + z1 + z4);
    }

    /** A row whose last four coefficients are 0. */
    private void sparseRow(int y, byte[] out, int t) {
        int[] in = work;
        int a0 = in[y];
        int a1 = in[y + 1];
        int a2 = in[y + 2];
        int a3 = in[y + 3];
        int z5 = (a3 + a1) * 9633;
        int z1 = a1 * -7373;
        int z2 = a3 * -20995;
        int z3 = a3 * -16069 + z5;
        int z4 = a1 * -3196 + z5;
        store(out, t, a0 << CONSTANT, a0 << CONSTANT, a2 * 4433, a2 * 4433 + a2 * 6270, z1 + z3, z2 + z4, a3 * 25172 + z2 + z3, a1 * 12299 + z1 + z4);
    }

    private static void store(byte[] out, int t, int even0, int even1, int even2, int even3, int o0, int o1, int o2, int o3) {
        int half = 1 << SECOND - 1;
        int e0 = even0 + even3 + half;
        int e3 = even0 - even3 + half;
        int e1 = even1 + even2 + half;
        int e2 = even1 - even2 + half;
        out[t] = level(e0 + o3 >> SECOND);
        out[t + 1] = level(e1 + o2 >> SECOND);
        out[t + 2] = level(e2 + o1 >> SECOND);
        out[t + 3] = level(e3 + o0 >> SECOND);
        out[t + 4] = level(e3 - o0 >> SECOND);
        out[t + 5] = level(e2 - o1 >> SECOND);
        out[t + 6] = level(e1 - o2 >> SECOND);
        out[t + 7] = level(e0 - o3 >> SECOND);
    }

    private static byte level(int centred) {
        return (byte) Math.max(0, Math.min(centred + 128, 255));
    }
}
