package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.PointwiseLoop;
import dev.jacquard.cpu.Simd;
import dev.jacquard.cpu.UpdateLoop;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;

/** The innermost loops as emitted code. A function is emitted when it is first asked for, and does for all shapes; what depends on a shape has kernels of its own. */
public final class EmittedSimd implements Simd {
    private static final int EIGHT = 8;

    private final InstructionSet set;
    private final Lazy[] tiles;
    private final Lazy[] columns;
    private final Lazy[] windows;
    private final Lazy[] copies;
    private final Lazy[] sums;
    private final Lazy[] halves;
    private final Lazy[] normalize;
    private final Lazy[] dots;
    private final Lazy[] backward;
    private final Lazy rowDots;
    private final Simd streaming;

    /** A function that is emitted at its first use; two threads that race for it get the same one. */
    private static final class Lazy {
        private final Kernel.Spec spec;
        private Kernel kernel;

        Lazy(Kernel.Spec spec) {
            this.spec = spec;
        }

        Kernel get() {
            Kernel k = kernel;
            if (k == null) {
                k = Kernel.of(spec);
                kernel = k;
            }
            return k;
        }
    }

    /** Makes specs from their numbers. */
    private interface Maker {
        Kernel.Spec make(int i);
    }

    private static Lazy[] table(int n, Maker maker) {
        Lazy[] all = new Lazy[n];
        java.util.Arrays.setAll(all, i -> new Lazy(maker.make(i)));
        return all;
    }

    /** Loops for an instruction set, which this machine must have: see {@link Emission#refusal}. */
    public EmittedSimd(InstructionSet set) {
        this(set, false);
    }

    private EmittedSimd(InstructionSet set, boolean streams) {
        this.set = set;
        streaming = streams ? this : new EmittedSimd(set, true);
        Nonlinearity[] activation = Nonlinearity.values();
        tiles = table(TILE_ROWS * 4, i -> new TileCode(set, i / 4 + 1, i % 4 + 1));
        columns = table(ColumnCode.Kind.values().length, i -> new ColumnCode(set, ColumnCode.Kind.values()[i]));
        windows = table(WindowCode.Kind.values().length, i -> new WindowCode(set, WindowCode.Kind.values()[i]));
        copies = table(CopyCode.Kind.values().length, i -> new CopyCode(set, CopyCode.Kind.values()[i]));
        sums = table(SumCode.Kind.values().length, i -> new SumCode(set, SumCode.Kind.values()[i]));
        halves = table(4, i -> new HalfCode(set, i % 2 == 0 ? DType.F16 : DType.BF16, i >= 2));
        normalize = table(2 * activation.length, i -> new NormalizeCode(set, i % 2 == 1, activation[i / 2], streams));
        dots = table(2 * activation.length, i -> new ActivationDotsCode(set, i % 2 == 1, activation[i / 2], streams));
        rowDots = new Lazy(new RowDotsCode(set));
        backward = table(activation.length, i -> new NormalizeBackwardCode(set, activation[i], streams));
    }

    @Override
    public int lanes() {
        return set.lanes();
    }

    @Override
    public Simd streaming() {
        return streaming;
    }

    @Override
    public String describe() {
        return "emitted " + set.label() + " loops of " + set.bits() + " bits";
    }

    @Override
    public void tile(int rows, int cols, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate, long scratch) {
        int vectors = set.vectors(cols);
        call(tiles[(rows - 1) * 4 + vectors - 1], k, a, aRow, aStep, b, bStep, c, cRow, accumulate ? 1 : 0, cols);
    }

    private static void call(Lazy f, long a, long b, long c, long d, long e, long g, long h, long i, long j, long k) {
        long ignored = f.get().call(a, b, c, d, e, g, h, i, j, k);
    }

    private Kernel copy(CopyCode.Kind kind) {
        return copies[kind.ordinal()].get();
    }

    @Override
    public void copyRows(long rows, int cols, long from, long fromRow, long to, long toRow) {
        if (rows > 0 && cols > 0) {
            copy(CopyCode.Kind.ROWS).run(rows, cols, from, fromRow, to, toRow);
        }
    }

    /** Eight by eight as far as that goes, what is left at the right and below one by one. */
    @Override
    public void transpose(int rows, int cols, long from, long fromRow, long to, long toRow) {
        int wholeRows = rows / EIGHT * EIGHT;
        int wholeColumns = cols / EIGHT * EIGHT;
        if (wholeRows > 0 && wholeColumns > 0) {
            copy(CopyCode.Kind.TRANSPOSE_EIGHTS).run(wholeRows, wholeColumns, from, fromRow, to, toRow);
        }
        Kernel rest = copy(CopyCode.Kind.TRANSPOSE);
        if (wholeRows > 0 && wholeColumns < cols) {
            rest.run(wholeRows, cols - wholeColumns, from + 4L * wholeColumns, fromRow, to + wholeColumns * toRow, toRow);
        }
        if (wholeRows < rows && cols > 0) {
            rest.run(rows - wholeRows, cols, from + wholeRows * fromRow, fromRow, to + 4L * wholeRows, toRow);
        }
    }

    @Override
    public void widen(DType half, long rows, int cols, long from, long fromRow, long to, long toRow) {
        Kernel k = halves[half == DType.F16 ? 2 : 3].get();
        for (long i = 0; i < rows; i++) {
            k.run(cols, from + i * fromRow, to + i * toRow, 0, 0, 0);
        }
    }

    @Override
    public void narrow(DType half, long rows, int cols, long from, long fromRow, long to, long toRow) {
        Kernel k = halves[half == DType.F16 ? 0 : 1].get();
        for (long i = 0; i < rows; i++) {
            k.run(cols, from + i * fromRow, to + i * toRow, 0, 0, 0);
        }
    }

    @Override
    public void fill(long to, long n, float value) {
        copy(CopyCode.Kind.FILL).run(1, n, Float.floatToRawIntBits(value), 0, to, 0);
    }

    @Override
    public PointwiseLoop pointwise(Pointwise op) {
        return PointwiseCode.has(op) ? new EmittedPointwise(op, set) : null;
    }

    @Override
    public void addTo(long a, long out, long n) {
        EmittedPointwise.add(set).run(out, 1, a, 1, 0, 0, out, n);
    }

    private void column(ColumnCode.Kind kind, int rows, int channels, long p, long pRow, long q, long qRow, long center, long out1, long out2) {
        call(columns[kind.ordinal()], rows, channels, p, pRow, q, qRow, center, out1, out2, 0);
    }

    @Override
    public void columnSums(int rows, int channels, long x, long xRow, long out) {
        column(ColumnCode.Kind.SUMS, rows, channels, x, xRow, 0, 0, 0, out, 0);
    }

    @Override
    public void exactColumnSums(int rows, int channels, long x, long xRow, long out) {
        column(ColumnCode.Kind.EXACT_SUMS, rows, channels, x, xRow, 0, 0, 0, out, 0);
    }

    @Override
    public void columnMoments(int rows, int channels, long x, long xRow, long center, long sum, long squares) {
        column(ColumnCode.Kind.MOMENTS, rows, channels, x, xRow, 0, 0, center, sum, squares);
    }

    @Override
    public void columnDots(int rows, int channels, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot) {
        column(ColumnCode.Kind.DOTS, rows, channels, dy, dyRow, x, xRow, mean, sum, dot);
    }

    @Override
    public void columnProducts(int rows, int channels, long a, long aRow, long b, long bRow, long out) {
        column(ColumnCode.Kind.PRODUCTS, rows, channels, a, aRow, b, bRow, 0, out, 0);
    }

    @Override
    public void normalize(int rows, int channels, long x, long mean, long scale, long shift, long y, boolean relu) {
        normalize(rows, channels, x, mean, scale, shift, 0, relu ? Nonlinearity.RELU : Nonlinearity.NONE, y);
    }

    @Override
    public void normalizeBackward(int rows, int channels, long dy, long x, long mean, long factors, long dx) {
        activationBackward(rows, channels, dy, x, mean, factors, Nonlinearity.NONE, 0, dx);
    }

    @Override
    public void normalize(int rows, int channels, long x, long mean, long scale, long shift, long residual, Nonlinearity activation, long y) {
        if (rows > 0) {
            call(normalize[2 * activation.ordinal() + (residual == 0 ? 0 : 1)], rows, channels, x, mean, scale, shift, residual, y, 0, 0);
        }
    }

    @Override
    public void activationDots(int rows, int channels, long dy, long x, long forward, long residual, Nonlinearity activation, long g, long sum, long dot) {
        call(dots[2 * activation.ordinal() + (residual == 0 ? 0 : 1)], rows, channels, dy, x, forward, residual, g, sum, dot, 0);
    }

    @Override
    public void activationBackward(int rows, int channels, long dy, long x, long forward, long factors, Nonlinearity activation, long g, long dx) {
        if (rows > 0) {
            call(backward[activation.ordinal()], rows, channels, dy, x, forward, factors, dx, 0, 0, 0);
        }
    }

    private void window(WindowCode.Kind kind, int taps, long table, int pixels, long step, int channels, long out, long index, long outStep) {
        if (pixels > 0) {
            call(windows[kind.ordinal()], taps, table, pixels, step, channels, out, outStep, index, 0, 0);
        }
    }

    @Override
    public void windowProducts(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        window(WindowCode.Kind.PRODUCTS, taps, table, pixels, step, channels, out, 0, outStep);
    }

    @Override
    public void windowSum(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        window(WindowCode.Kind.SUM, taps, table, pixels, step, channels, out, 0, outStep);
    }

    @Override
    public void windowMax(int taps, long table, int pixels, long step, int channels, long out, long index, long outStep) {
        window(WindowCode.Kind.MAX, taps, table, pixels, step, channels, out, index, outStep);
    }

    @Override
    public void windowRoute(int taps, long table, int pixels, long step, int channels, long out, long outStep) {
        window(WindowCode.Kind.ROUTE, taps, table, pixels, step, channels, out, 0, outStep);
    }

    private float sum(SumCode.Kind kind, long x, long to, long n, float factor) {
        return Float.intBitsToFloat((int) sums[kind.ordinal()].get().call(x, to, n, Float.floatToRawIntBits(factor), 0, 0, 0, 0, 0, 0));
    }

    @Override
    public boolean scale(long from, long to, long n, float factor) {
        return sum(SumCode.Kind.SCALE, from, to, n, factor) == 0;
    }

    @Override
    public boolean finite(long x, long n) {
        return sum(SumCode.Kind.FINITE, x, 0, n, 0) == 0;
    }

    @Override
    public float squares(long x, long n) {
        return sum(SumCode.Kind.SQUARES, x, 0, n, 0);
    }

    @Override
    public void rowDots(int rows, int cols, long matrix, long vector, long bias, long out) {
        rowDots.get().run(rows, cols, matrix, vector, bias, out);
    }

    @Override
    public UpdateLoop update(Update.Rule plain) {
        return EmittedUpdate.of(plain, set);
    }
}
