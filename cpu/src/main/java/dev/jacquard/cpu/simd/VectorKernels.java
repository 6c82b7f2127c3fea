package dev.jacquard.cpu.simd;

import static dev.jacquard.cpu.simd.Species.ALL;
import static dev.jacquard.cpu.simd.Species.BYTES;
import static dev.jacquard.cpu.simd.Species.F;
import static dev.jacquard.cpu.simd.Species.FLOAT;
import static dev.jacquard.cpu.simd.Species.LANES;
import static dev.jacquard.cpu.simd.Species.ORDER;

import dev.jacquard.cpu.PointwiseLoop;
import dev.jacquard.cpu.Simd;
import dev.jacquard.cpu.UpdateLoop;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

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
    public void widen(DType half, long rows, int columns, long from, long fromRow, long to, long toRow) {
        if (half == DType.F16) {
            HalfRows.widenF16(rows, columns, from, fromRow, to, toRow);
        } else {
            HalfRows.widenBf16(rows, columns, from, fromRow, to, toRow);
        }
    }

    @Override
    public void narrow(DType half, long rows, int columns, long from, long fromRow, long to, long toRow) {
        if (half == DType.F16) {
            HalfRows.narrowF16(rows, columns, from, fromRow, to, toRow);
        } else {
            HalfRows.narrowBf16(rows, columns, from, fromRow, to, toRow);
        }
    }

    @Override
    public void fill(long to, long n, float value) {
        FloatVector v = FloatVector.broadcast(F, value);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            v.intoMemorySegment(ALL, to + 4 * i, ORDER);
        }
        if (i < n) {
            v.intoMemorySegment(ALL, to + 4 * i, ORDER, F.indexInRange(i, n));
        }
    }

    @Override
    public PointwiseLoop pointwise(Pointwise op) {
        return PointwiseTable.of(op);
    }

    @Override
    public void addTo(long a, long out, long n) {
        PointwiseTable.ADD.run(a, 1, out, 1, 0, 0, out, n);
    }

    @Override
    public void columnSums(int rows, int channels, long x, long xRow, long out) {
        Channels.sums(rows, channels, x, xRow, out);
    }

    @Override
    public void columnMoments(int rows, int channels, long x, long xRow, long center, long sum, long squares) {
        Channels.moments(rows, channels, x, xRow, center, sum, squares);
    }

    @Override
    public void columnDots(int rows, int channels, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot) {
        Channels.dots(rows, channels, dy, dyRow, x, xRow, mean, sum, dot);
    }

    @Override
    public void columnProducts(int rows, int channels, long a, long aRow, long b, long bRow, long out) {
        Channels.products(rows, channels, a, aRow, b, bRow, out);
    }

    @Override
    public void normalize(int rows, int channels, long x, long mean, long scale, long shift, long y, boolean relu) {
        Channels.normalize(rows, channels, x, mean, scale, shift, y, relu);
    }

    @Override
    public void normalizeBackward(int rows, int channels, long dy, long x, long mean, long factors, long dx) {
        Channels.normalizeBackward(rows, channels, dy, x, mean, factors, factors + 4L * channels, factors + 8L * channels, dx);
    }

    @Override
    public void windowProducts(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        for (int i = 0; i < pixels; i++) {
            Windows.products(taps, table, i * step, channels, out + i * outStep);
        }
    }

    @Override
    public void windowSum(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        for (int i = 0; i < pixels; i++) {
            Windows.weightedSum(taps, table, i * step, channels, out + i * outStep);
        }
    }

    @Override
    public void windowMax(int taps, long table, int pixels, long step, int channels, long out, long index, long outStep) {
        for (int i = 0; i < pixels; i++) {
            Windows.max(taps, table, i * step, channels, out + i * outStep, index + i * outStep);
        }
    }

    @Override
    public void windowRoute(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        for (int i = 0; i < pixels; i++) {
            Windows.route(taps, table, i * step, channels, out + i * outStep);
        }
    }

    @Override
    public boolean scale(long from, long to, long n, float factor) {
        return UpdateLoops.scale(from, to, n, factor);
    }

    @Override
    public boolean finite(long x, long n) {
        return UpdateLoops.finite(x, n);
    }

    @Override
    public float squares(long x, long n) {
        return UpdateLoops.squares(x, n);
    }

    @Override
    public UpdateLoop update(Update.Rule plain) {
        return UpdateLoops.of(plain);
    }
}
