package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.LANES;

import dev.jacquard.cpu.Simd;
import jdk.incubator.vector.FloatVector;

/** The innermost loops on the Vector API. Made by name, so that its absence is an ordinary exception. */
public final class VectorKernels implements Simd {
    /** The kernels of this process's vector width. */
    public VectorKernels() {}

    @Override
    public int lanes() {
        return LANES;
    }

    @Override
    public String describe() {
        return "Vector API, " + F.vectorBitSize() + " bits";
    }

    @Override
    public void tile(int rows, int columns, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate, long scratch) {
        int vectors = (columns + LANES - 1) / LANES;
        if (columns == vectors * LANES) {
            Tiles.run(rows, vectors, k, a, aRow, aStep, b, bStep, c, cRow, accumulate);
        } else {
            long row = (long) vectors * BYTES;
            Tiles.run(rows, vectors, k, a, aRow, aStep, b, bStep, scratch, row, false);
            if (accumulate) {
                Copies.addRows(rows, columns, scratch, row, c, cRow);
            } else {
                Copies.rows(rows, columns, scratch, row, c, cRow);
            }
        }
    }

    @Override
    public void copyRows(long rows, int columns, long from, long fromRow, long to, long toRow) {
        Copies.rows(rows, columns, from, fromRow, to, toRow);
    }

    @Override
    public void transpose(int rows, int columns, long from, long fromRow, long to, long toRow) {
        Copies.transpose(rows, columns, from, fromRow, to, toRow);
    }

    @Override
    public void fill(long to, long n, float value) {
        FloatVector v = FloatVector.broadcast(F, value);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            Species.store(v, to + 4 * i);
        }
        if (i < n) {
            Species.store(v, to + 4 * i, F.indexInRange(i, n));
        }
    }
}
