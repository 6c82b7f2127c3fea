package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.FLOAT;
import static dev.jacquard.cpu.simd.Species.ORDER;

import dev.jacquard.tensor.EngineBugException;
import jdk.incubator.vector.FloatVector;

/**
 * Register-blocked multiply-add tiles: C (rows, v vectors) (+)= sum over p of A[i, p] * B[p, :].
 *
 * <p>Every accumulator is a local variable of its own, since only those reach registers, and p is not unrolled: measured,
 * 6 rows of 4 vectors without unrolling keep 24 accumulators in 32 registers and come within a few percent of the
 * multiply-add peak, while unrolled neighbours spill and lose half of it. Heights 1, 2, 4 and 6 make up every row count. The two strides of A cover both A and its transpose.
 */
final class Tiles {
    private Tiles() {}

    /** Tile of 1 to 6 rows and 1 to 4 vectors; strides in bytes. */
    static void run(int rows, int vectors, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        switch (rows) {
            case 6 -> rows6(vectors, k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 4 -> rows4(vectors, k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 2 -> rows2(vectors, k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 1 -> rows1(vectors, k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 5 -> {
                rows4(vectors, k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
                rows1(vectors, k, a + 4 * aRow, aRow, aStep, b, bStep, c + 4 * cRow, cRow, accumulate);
            }
            case 3 -> {
                rows2(vectors, k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
                rows1(vectors, k, a + 2 * aRow, aRow, aStep, b, bStep, c + 2 * cRow, cRow, accumulate);
            }
            default -> throw new EngineBugException("tile", "row count out of range", "rows " + rows, "1 to 6", "report this");
        }
    }

    private static void rows6(int vectors, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        switch (vectors) {
            case 4 -> tile6x4(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 3 -> tile6x3(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 2 -> tile6x2(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            default -> tile6x1(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
        }
    }

    private static void tile6x4(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F), c03 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F), c12 = FloatVector.zero(F), c13 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F), c21 = FloatVector.zero(F), c22 = FloatVector.zero(F), c23 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F), c31 = FloatVector.zero(F), c32 = FloatVector.zero(F), c33 = FloatVector.zero(F);
        FloatVector c40 = FloatVector.zero(F), c41 = FloatVector.zero(F), c42 = FloatVector.zero(F), c43 = FloatVector.zero(F);
        FloatVector c50 = FloatVector.zero(F), c51 = FloatVector.zero(F), c52 = FloatVector.zero(F), c53 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), b3 = FloatVector.fromMemorySegment(F, ALL, b + 3L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02); c03 = t.fma(b3, c03);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11); c12 = t.fma(b2, c12); c13 = t.fma(b3, c13);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20); c21 = t.fma(b1, c21); c22 = t.fma(b2, c22); c23 = t.fma(b3, c23);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30); c31 = t.fma(b1, c31); c32 = t.fma(b2, c32); c33 = t.fma(b3, c33);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a4 + o));
            c40 = t.fma(b0, c40); c41 = t.fma(b1, c41); c42 = t.fma(b2, c42); c43 = t.fma(b3, c43);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a5 + o));
            c50 = t.fma(b0, c50); c51 = t.fma(b1, c51); c52 = t.fma(b2, c52); c53 = t.fma(b3, c53);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow, r4 = r3 + cRow, r5 = r4 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER)); c03 = c03.add(FloatVector.fromMemorySegment(F, ALL, r0 + 3L * BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c12 = c12.add(FloatVector.fromMemorySegment(F, ALL, r1 + 2L * BYTES, ORDER)); c13 = c13.add(FloatVector.fromMemorySegment(F, ALL, r1 + 3L * BYTES, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER)); c21 = c21.add(FloatVector.fromMemorySegment(F, ALL, r2 + BYTES, ORDER));
            c22 = c22.add(FloatVector.fromMemorySegment(F, ALL, r2 + 2L * BYTES, ORDER)); c23 = c23.add(FloatVector.fromMemorySegment(F, ALL, r2 + 3L * BYTES, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER)); c31 = c31.add(FloatVector.fromMemorySegment(F, ALL, r3 + BYTES, ORDER));
            c32 = c32.add(FloatVector.fromMemorySegment(F, ALL, r3 + 2L * BYTES, ORDER)); c33 = c33.add(FloatVector.fromMemorySegment(F, ALL, r3 + 3L * BYTES, ORDER));
            c40 = c40.add(FloatVector.fromMemorySegment(F, ALL, r4, ORDER)); c41 = c41.add(FloatVector.fromMemorySegment(F, ALL, r4 + BYTES, ORDER));
            c42 = c42.add(FloatVector.fromMemorySegment(F, ALL, r4 + 2L * BYTES, ORDER)); c43 = c43.add(FloatVector.fromMemorySegment(F, ALL, r4 + 3L * BYTES, ORDER));
            c50 = c50.add(FloatVector.fromMemorySegment(F, ALL, r5, ORDER)); c51 = c51.add(FloatVector.fromMemorySegment(F, ALL, r5 + BYTES, ORDER));
            c52 = c52.add(FloatVector.fromMemorySegment(F, ALL, r5 + 2L * BYTES, ORDER)); c53 = c53.add(FloatVector.fromMemorySegment(F, ALL, r5 + 3L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
        c03.intoMemorySegment(ALL, r0 + 3L * BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER); c12.intoMemorySegment(ALL, r1 + 2L * BYTES, ORDER);
        c13.intoMemorySegment(ALL, r1 + 3L * BYTES, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER); c21.intoMemorySegment(ALL, r2 + BYTES, ORDER); c22.intoMemorySegment(ALL, r2 + 2L * BYTES, ORDER);
        c23.intoMemorySegment(ALL, r2 + 3L * BYTES, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER); c31.intoMemorySegment(ALL, r3 + BYTES, ORDER); c32.intoMemorySegment(ALL, r3 + 2L * BYTES, ORDER);
        c33.intoMemorySegment(ALL, r3 + 3L * BYTES, ORDER);
        c40.intoMemorySegment(ALL, r4, ORDER); c41.intoMemorySegment(ALL, r4 + BYTES, ORDER); c42.intoMemorySegment(ALL, r4 + 2L * BYTES, ORDER);
        c43.intoMemorySegment(ALL, r4 + 3L * BYTES, ORDER);
        c50.intoMemorySegment(ALL, r5, ORDER); c51.intoMemorySegment(ALL, r5 + BYTES, ORDER); c52.intoMemorySegment(ALL, r5 + 2L * BYTES, ORDER);
        c53.intoMemorySegment(ALL, r5 + 3L * BYTES, ORDER);
    }

    private static void tile6x3(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F), c12 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F), c21 = FloatVector.zero(F), c22 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F), c31 = FloatVector.zero(F), c32 = FloatVector.zero(F);
        FloatVector c40 = FloatVector.zero(F), c41 = FloatVector.zero(F), c42 = FloatVector.zero(F);
        FloatVector c50 = FloatVector.zero(F), c51 = FloatVector.zero(F), c52 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11); c12 = t.fma(b2, c12);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20); c21 = t.fma(b1, c21); c22 = t.fma(b2, c22);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30); c31 = t.fma(b1, c31); c32 = t.fma(b2, c32);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a4 + o));
            c40 = t.fma(b0, c40); c41 = t.fma(b1, c41); c42 = t.fma(b2, c42);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a5 + o));
            c50 = t.fma(b0, c50); c51 = t.fma(b1, c51); c52 = t.fma(b2, c52);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow, r4 = r3 + cRow, r5 = r4 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c12 = c12.add(FloatVector.fromMemorySegment(F, ALL, r1 + 2L * BYTES, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER)); c21 = c21.add(FloatVector.fromMemorySegment(F, ALL, r2 + BYTES, ORDER));
            c22 = c22.add(FloatVector.fromMemorySegment(F, ALL, r2 + 2L * BYTES, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER)); c31 = c31.add(FloatVector.fromMemorySegment(F, ALL, r3 + BYTES, ORDER));
            c32 = c32.add(FloatVector.fromMemorySegment(F, ALL, r3 + 2L * BYTES, ORDER));
            c40 = c40.add(FloatVector.fromMemorySegment(F, ALL, r4, ORDER)); c41 = c41.add(FloatVector.fromMemorySegment(F, ALL, r4 + BYTES, ORDER));
            c42 = c42.add(FloatVector.fromMemorySegment(F, ALL, r4 + 2L * BYTES, ORDER));
            c50 = c50.add(FloatVector.fromMemorySegment(F, ALL, r5, ORDER)); c51 = c51.add(FloatVector.fromMemorySegment(F, ALL, r5 + BYTES, ORDER));
            c52 = c52.add(FloatVector.fromMemorySegment(F, ALL, r5 + 2L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER); c12.intoMemorySegment(ALL, r1 + 2L * BYTES, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER); c21.intoMemorySegment(ALL, r2 + BYTES, ORDER); c22.intoMemorySegment(ALL, r2 + 2L * BYTES, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER); c31.intoMemorySegment(ALL, r3 + BYTES, ORDER); c32.intoMemorySegment(ALL, r3 + 2L * BYTES, ORDER);
        c40.intoMemorySegment(ALL, r4, ORDER); c41.intoMemorySegment(ALL, r4 + BYTES, ORDER); c42.intoMemorySegment(ALL, r4 + 2L * BYTES, ORDER);
        c50.intoMemorySegment(ALL, r5, ORDER); c51.intoMemorySegment(ALL, r5 + BYTES, ORDER); c52.intoMemorySegment(ALL, r5 + 2L * BYTES, ORDER);
    }

    private static void tile6x2(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F), c21 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F), c31 = FloatVector.zero(F);
        FloatVector c40 = FloatVector.zero(F), c41 = FloatVector.zero(F);
        FloatVector c50 = FloatVector.zero(F), c51 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20); c21 = t.fma(b1, c21);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30); c31 = t.fma(b1, c31);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a4 + o));
            c40 = t.fma(b0, c40); c41 = t.fma(b1, c41);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a5 + o));
            c50 = t.fma(b0, c50); c51 = t.fma(b1, c51);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow, r4 = r3 + cRow, r5 = r4 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER)); c21 = c21.add(FloatVector.fromMemorySegment(F, ALL, r2 + BYTES, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER)); c31 = c31.add(FloatVector.fromMemorySegment(F, ALL, r3 + BYTES, ORDER));
            c40 = c40.add(FloatVector.fromMemorySegment(F, ALL, r4, ORDER)); c41 = c41.add(FloatVector.fromMemorySegment(F, ALL, r4 + BYTES, ORDER));
            c50 = c50.add(FloatVector.fromMemorySegment(F, ALL, r5, ORDER)); c51 = c51.add(FloatVector.fromMemorySegment(F, ALL, r5 + BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER); c21.intoMemorySegment(ALL, r2 + BYTES, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER); c31.intoMemorySegment(ALL, r3 + BYTES, ORDER);
        c40.intoMemorySegment(ALL, r4, ORDER); c41.intoMemorySegment(ALL, r4 + BYTES, ORDER);
        c50.intoMemorySegment(ALL, r5, ORDER); c51.intoMemorySegment(ALL, r5 + BYTES, ORDER);
    }

    private static void tile6x1(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        FloatVector c00 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F);
        FloatVector c40 = FloatVector.zero(F);
        FloatVector c50 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a4 + o));
            c40 = t.fma(b0, c40);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a5 + o));
            c50 = t.fma(b0, c50);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow, r4 = r3 + cRow, r5 = r4 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER));
            c40 = c40.add(FloatVector.fromMemorySegment(F, ALL, r4, ORDER));
            c50 = c50.add(FloatVector.fromMemorySegment(F, ALL, r5, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER);
        c40.intoMemorySegment(ALL, r4, ORDER);
        c50.intoMemorySegment(ALL, r5, ORDER);
    }

    private static void rows4(int vectors, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        switch (vectors) {
            case 4 -> tile4x4(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 3 -> tile4x3(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 2 -> tile4x2(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            default -> tile4x1(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
        }
    }

    private static void tile4x4(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F), c03 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F), c12 = FloatVector.zero(F), c13 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F), c21 = FloatVector.zero(F), c22 = FloatVector.zero(F), c23 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F), c31 = FloatVector.zero(F), c32 = FloatVector.zero(F), c33 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), b3 = FloatVector.fromMemorySegment(F, ALL, b + 3L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02); c03 = t.fma(b3, c03);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11); c12 = t.fma(b2, c12); c13 = t.fma(b3, c13);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20); c21 = t.fma(b1, c21); c22 = t.fma(b2, c22); c23 = t.fma(b3, c23);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30); c31 = t.fma(b1, c31); c32 = t.fma(b2, c32); c33 = t.fma(b3, c33);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER)); c03 = c03.add(FloatVector.fromMemorySegment(F, ALL, r0 + 3L * BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c12 = c12.add(FloatVector.fromMemorySegment(F, ALL, r1 + 2L * BYTES, ORDER)); c13 = c13.add(FloatVector.fromMemorySegment(F, ALL, r1 + 3L * BYTES, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER)); c21 = c21.add(FloatVector.fromMemorySegment(F, ALL, r2 + BYTES, ORDER));
            c22 = c22.add(FloatVector.fromMemorySegment(F, ALL, r2 + 2L * BYTES, ORDER)); c23 = c23.add(FloatVector.fromMemorySegment(F, ALL, r2 + 3L * BYTES, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER)); c31 = c31.add(FloatVector.fromMemorySegment(F, ALL, r3 + BYTES, ORDER));
            c32 = c32.add(FloatVector.fromMemorySegment(F, ALL, r3 + 2L * BYTES, ORDER)); c33 = c33.add(FloatVector.fromMemorySegment(F, ALL, r3 + 3L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
        c03.intoMemorySegment(ALL, r0 + 3L * BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER); c12.intoMemorySegment(ALL, r1 + 2L * BYTES, ORDER);
        c13.intoMemorySegment(ALL, r1 + 3L * BYTES, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER); c21.intoMemorySegment(ALL, r2 + BYTES, ORDER); c22.intoMemorySegment(ALL, r2 + 2L * BYTES, ORDER);
        c23.intoMemorySegment(ALL, r2 + 3L * BYTES, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER); c31.intoMemorySegment(ALL, r3 + BYTES, ORDER); c32.intoMemorySegment(ALL, r3 + 2L * BYTES, ORDER);
        c33.intoMemorySegment(ALL, r3 + 3L * BYTES, ORDER);
    }

    private static void tile4x3(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F), c12 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F), c21 = FloatVector.zero(F), c22 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F), c31 = FloatVector.zero(F), c32 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11); c12 = t.fma(b2, c12);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20); c21 = t.fma(b1, c21); c22 = t.fma(b2, c22);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30); c31 = t.fma(b1, c31); c32 = t.fma(b2, c32);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c12 = c12.add(FloatVector.fromMemorySegment(F, ALL, r1 + 2L * BYTES, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER)); c21 = c21.add(FloatVector.fromMemorySegment(F, ALL, r2 + BYTES, ORDER));
            c22 = c22.add(FloatVector.fromMemorySegment(F, ALL, r2 + 2L * BYTES, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER)); c31 = c31.add(FloatVector.fromMemorySegment(F, ALL, r3 + BYTES, ORDER));
            c32 = c32.add(FloatVector.fromMemorySegment(F, ALL, r3 + 2L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER); c12.intoMemorySegment(ALL, r1 + 2L * BYTES, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER); c21.intoMemorySegment(ALL, r2 + BYTES, ORDER); c22.intoMemorySegment(ALL, r2 + 2L * BYTES, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER); c31.intoMemorySegment(ALL, r3 + BYTES, ORDER); c32.intoMemorySegment(ALL, r3 + 2L * BYTES, ORDER);
    }

    private static void tile4x2(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F), c21 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F), c31 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20); c21 = t.fma(b1, c21);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30); c31 = t.fma(b1, c31);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER)); c21 = c21.add(FloatVector.fromMemorySegment(F, ALL, r2 + BYTES, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER)); c31 = c31.add(FloatVector.fromMemorySegment(F, ALL, r3 + BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER); c21.intoMemorySegment(ALL, r2 + BYTES, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER); c31.intoMemorySegment(ALL, r3 + BYTES, ORDER);
    }

    private static void tile4x1(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        FloatVector c00 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F);
        FloatVector c20 = FloatVector.zero(F);
        FloatVector c30 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a2 + o));
            c20 = t.fma(b0, c20);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a3 + o));
            c30 = t.fma(b0, c30);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow, r2 = r1 + cRow, r3 = r2 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER));
            c20 = c20.add(FloatVector.fromMemorySegment(F, ALL, r2, ORDER));
            c30 = c30.add(FloatVector.fromMemorySegment(F, ALL, r3, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER);
        c20.intoMemorySegment(ALL, r2, ORDER);
        c30.intoMemorySegment(ALL, r3, ORDER);
    }

    private static void rows2(int vectors, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        switch (vectors) {
            case 4 -> tile2x4(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 3 -> tile2x3(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 2 -> tile2x2(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            default -> tile2x1(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
        }
    }

    private static void tile2x4(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F), c03 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F), c12 = FloatVector.zero(F), c13 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), b3 = FloatVector.fromMemorySegment(F, ALL, b + 3L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02); c03 = t.fma(b3, c03);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11); c12 = t.fma(b2, c12); c13 = t.fma(b3, c13);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER)); c03 = c03.add(FloatVector.fromMemorySegment(F, ALL, r0 + 3L * BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c12 = c12.add(FloatVector.fromMemorySegment(F, ALL, r1 + 2L * BYTES, ORDER)); c13 = c13.add(FloatVector.fromMemorySegment(F, ALL, r1 + 3L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
        c03.intoMemorySegment(ALL, r0 + 3L * BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER); c12.intoMemorySegment(ALL, r1 + 2L * BYTES, ORDER);
        c13.intoMemorySegment(ALL, r1 + 3L * BYTES, ORDER);
    }

    private static void tile2x3(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F), c12 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11); c12 = t.fma(b2, c12);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
            c12 = c12.add(FloatVector.fromMemorySegment(F, ALL, r1 + 2L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER); c12.intoMemorySegment(ALL, r1 + 2L * BYTES, ORDER);
    }

    private static void tile2x2(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F), c11 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10); c11 = t.fma(b1, c11);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER)); c11 = c11.add(FloatVector.fromMemorySegment(F, ALL, r1 + BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER); c11.intoMemorySegment(ALL, r1 + BYTES, ORDER);
    }

    private static void tile2x1(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a, a1 = a0 + aRow;
        FloatVector c00 = FloatVector.zero(F);
        FloatVector c10 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00);
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a1 + o));
            c10 = t.fma(b0, c10);
            o += aStep;
            b += bStep;
        }
        long r0 = c, r1 = r0 + cRow;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER));
            c10 = c10.add(FloatVector.fromMemorySegment(F, ALL, r1, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER);
        c10.intoMemorySegment(ALL, r1, ORDER);
    }

    private static void rows1(int vectors, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        switch (vectors) {
            case 4 -> tile1x4(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 3 -> tile1x3(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            case 2 -> tile1x2(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
            default -> tile1x1(k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
        }
    }

    private static void tile1x4(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F), c03 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), b3 = FloatVector.fromMemorySegment(F, ALL, b + 3L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02); c03 = t.fma(b3, c03);
            o += aStep;
            b += bStep;
        }
        long r0 = c;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER)); c03 = c03.add(FloatVector.fromMemorySegment(F, ALL, r0 + 3L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
        c03.intoMemorySegment(ALL, r0 + 3L * BYTES, ORDER);
    }

    private static void tile1x3(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F), c02 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER),
                    b2 = FloatVector.fromMemorySegment(F, ALL, b + 2L * BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01); c02 = t.fma(b2, c02);
            o += aStep;
            b += bStep;
        }
        long r0 = c;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
            c02 = c02.add(FloatVector.fromMemorySegment(F, ALL, r0 + 2L * BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER); c02.intoMemorySegment(ALL, r0 + 2L * BYTES, ORDER);
    }

    private static void tile1x2(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a;
        FloatVector c00 = FloatVector.zero(F), c01 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), b1 = FloatVector.fromMemorySegment(F, ALL, b + BYTES, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00); c01 = t.fma(b1, c01);
            o += aStep;
            b += bStep;
        }
        long r0 = c;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER)); c01 = c01.add(FloatVector.fromMemorySegment(F, ALL, r0 + BYTES, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER); c01.intoMemorySegment(ALL, r0 + BYTES, ORDER);
    }

    private static void tile1x1(int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate) {
        long a0 = a;
        FloatVector c00 = FloatVector.zero(F);
        long o = 0;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = FloatVector.fromMemorySegment(F, ALL, b, ORDER), t;
            t = FloatVector.broadcast(F, ALL.get(FLOAT, a0 + o));
            c00 = t.fma(b0, c00);
            o += aStep;
            b += bStep;
        }
        long r0 = c;
        if (accumulate) {
            c00 = c00.add(FloatVector.fromMemorySegment(F, ALL, r0, ORDER));
        }
        c00.intoMemorySegment(ALL, r0, ORDER);
    }
}
