package dev.jacquard.cpu.x64;

import java.util.function.IntFunction;

/** Turns over eight rows of eight floats in the sixteen registers that AVX2 and AVX-512 have in common: pairs of rows are interleaved, then fours, then halves exchanged. */
final class EightByEight {
    private static final int SIZE = 8;

    private EightByEight() {}

    /** Emits it. @param from where row i is read, null for zeros @param to where row i of the result, column i of what is read, is written */
    static void transpose(Assembler a, IntFunction<Mem> from, IntFunction<Mem> to) {
        Vec[] rows = new Vec[SIZE];
        Vec[] other = new Vec[SIZE];
        for (int i = 0; i < SIZE; i++) {
            rows[i] = Vec.ymm(i);
            other[i] = Vec.ymm(SIZE + i);
            Mem m = from.apply(i);
            if (m != null) {
                a.vmovups(rows[i], m);
            } else {
                a.vxorps(rows[i], rows[i], rows[i]);
            }
        }
        for (int i = 0; i < SIZE; i += 2) {
            a.vunpcklps(other[i], rows[i], rows[i + 1]);
            a.vunpckhps(other[i + 1], rows[i], rows[i + 1]);
        }
        // Four rows of four columns in each half: rows 0 and 4, 1 and 5, 2 and 6, 3 and 7.
        for (int i = 0; i < SIZE; i++) {
            int pair = i / 4 * 4 + i % 4 / 2;
            a.vshufps(rows[i], other[pair], other[pair + 2], i % 2 == 0 ? 0x44 : 0xee);
        }
        for (int i = 0; i < 4; i++) {
            a.vperm2f128(other[i], rows[i], rows[i + 4], 0x20);
            a.vperm2f128(other[i + 4], rows[i], rows[i + 4], 0x31);
        }
        for (int i = 0; i < SIZE; i++) {
            a.vmovups(to.apply(i), other[i]);
        }
    }
}
