package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.get;
import static dev.jacquard.cpu.simd.Species.set;
import static dev.jacquard.cpu.simd.Species.store;

import dev.jacquard.tensor.Halves;
import java.lang.foreign.ValueLayout;

/**
 * Moves rows between half precision and floats, converted by {@link HalfMath}. Ends of rows go an element at a time, for masked halves need AVX-512.
 */
final class HalfRows {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private HalfRows() {}

    static void widenF16(long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
            int j = 0;
            for (; j + LANES <= columns; j += LANES) {
                store(HalfMath.fromF16(HalfMath.load(from + 2L * j)), to + 4L * j);
            }
            for (; j < columns; j++) {
                set(to + 4L * j, Float.float16ToFloat(ALL.get(SHORT, from + 2L * j)));
            }
        }
    }

    static void widenBf16(long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
            int j = 0;
            for (; j + LANES <= columns; j += LANES) {
                store(HalfMath.fromBf16(HalfMath.load(from + 2L * j)), to + 4L * j);
            }
            for (; j < columns; j++) {
                set(to + 4L * j, Halves.bf16ToFloat(ALL.get(SHORT, from + 2L * j)));
            }
        }
    }

    static void narrowF16(long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
            int j = 0;
            for (; j + LANES <= columns; j += LANES) {
                HalfMath.put(HalfMath.toF16(Species.loadInts(from + 4L * j)), to + 2L * j);
            }
            for (; j < columns; j++) {
                ALL.set(SHORT, to + 2L * j, Float.floatToFloat16(get(from + 4L * j)));
            }
        }
    }

    static void narrowBf16(long rows, int columns, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
            int j = 0;
            for (; j + LANES <= columns; j += LANES) {
                HalfMath.put(HalfMath.toBf16(Species.loadInts(from + 4L * j)), to + 2L * j);
            }
            for (; j < columns; j++) {
                ALL.set(SHORT, to + 2L * j, Halves.floatToBf16(get(from + 4L * j)));
            }
        }
    }
}
