package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;
import static dev.jacquard.cpu.simd.Species.get;
import static dev.jacquard.cpu.simd.Species.set;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Moves rows of floats. */
final class Copies {
    private Copies() {}

    static void rows(long rows, int columns, long from, long fromRow, long to, long toRow) {
        if (columns == 4 * LANES) {
            fullRows(rows, from, fromRow, to, toRow);
            return;
        }
        int whole = columns / LANES * LANES;
        if (whole == columns) {
            for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
                for (long j = 0; j < 4L * whole; j += BYTES) {
                    FloatVector.fromMemorySegment(F, ALL, from + j, ORDER).intoMemorySegment(ALL, to + j, ORDER);
                }
            }
        } else {
            VectorMask<Float> rest = F.indexInRange(whole, columns);
            for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
                for (long j = 0; j < 4L * whole; j += BYTES) {
                    FloatVector.fromMemorySegment(F, ALL, from + j, ORDER).intoMemorySegment(ALL, to + j, ORDER);
                }
                FloatVector.fromMemorySegment(F, ALL, from + 4L * whole, ORDER, rest).intoMemorySegment(ALL, to + 4L * whole, ORDER, rest);
            }
        }
    }

    private static void fullRows(long rows, long from, long fromRow, long to, long toRow) {
        for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
            FloatVector a = FloatVector.fromMemorySegment(F, ALL, from, ORDER), b = FloatVector.fromMemorySegment(F, ALL, from + BYTES, ORDER),
                    c = FloatVector.fromMemorySegment(F, ALL, from + 2L * BYTES, ORDER), d = FloatVector.fromMemorySegment(F, ALL, from + 3L * BYTES, ORDER);
            a.intoMemorySegment(ALL, to, ORDER);
            b.intoMemorySegment(ALL, to + BYTES, ORDER);
            c.intoMemorySegment(ALL, to + 2L * BYTES, ORDER);
            d.intoMemorySegment(ALL, to + 3L * BYTES, ORDER);
        }
    }

    static void addRows(long rows, int columns, long from, long fromRow, long to, long toRow) {
        int whole = columns / LANES * LANES;
        VectorMask<Float> rest = F.indexInRange(whole, columns);
        for (long i = 0; i < rows; i++, from += fromRow, to += toRow) {
            for (long j = 0; j < 4L * whole; j += BYTES) {
                FloatVector.fromMemorySegment(F, ALL, to + j, ORDER).add(FloatVector.fromMemorySegment(F, ALL, from + j, ORDER)).intoMemorySegment(ALL, to + j, ORDER);
            }
            FloatVector.fromMemorySegment(F, ALL, to + 4L * whole, ORDER, rest).add(FloatVector.fromMemorySegment(F, ALL, from + 4L * whole, ORDER, rest))
                    .intoMemorySegment(ALL, to + 4L * whole, ORDER, rest);
        }
    }

    /** Blocks of 64 columns: the destination of one block stays in the first-level cache while the rows pass over it. */
    static void transpose(int rows, int columns, long from, long fromRow, long to, long toRow) {
        for (int j = 0; j < columns; j += 64) {
            int width = Math.min(64, columns - j);
            int i = 0;
            for (; i + 8 <= rows; i += 8) {
                transpose8(width, from + i * fromRow + 4L * j, fromRow, to + j * toRow + 4L * i, toRow);
            }
            for (; i < rows; i++) {
                long s = from + i * fromRow + 4L * j, d = to + j * toRow + 4L * i;
                for (int c = 0; c < width; c++) {
                    set(d + c * toRow, get(s + 4L * c));
                }
            }
        }
    }

    private static void transpose8(int columns, long s0, long fromRow, long d, long toRow) {
        long s1 = s0 + fromRow, s2 = s1 + fromRow, s3 = s2 + fromRow;
        long s4 = s3 + fromRow, s5 = s4 + fromRow, s6 = s5 + fromRow, s7 = s6 + fromRow;
        for (long j = 0; j < 4L * columns; j += 4, d += toRow) {
            set(d, get(s0 + j));
            set(d + 4, get(s1 + j));
            set(d + 8, get(s2 + j));
            set(d + 12, get(s3 + j));
            set(d + 16, get(s4 + j));
            set(d + 20, get(s5 + j));
            set(d + 24, get(s6 + j));
            set(d + 28, get(s7 + j));
        }
    }
}
