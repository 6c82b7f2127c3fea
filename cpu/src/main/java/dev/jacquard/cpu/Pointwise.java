package dev.jacquard.cpu;

/**
 * Pointwise functions over dense float32 arrays, cut into pieces for the worker team. Results do not depend on the cut.
 * Not for two threads at once; nothing is allocated by a call.
 */
public final class Pointwise {
    /** Floats of one piece: its operands together stay in the second-level cache. */
    private static final int PIECE = 16_384;

    private final Workers workers;
    private final Simd simd;
    private final Workers.Task unaryTask = this::unaryPiece;
    private final Workers.Task binaryTask = this::binaryPiece;
    private final Workers.Task affineTask = this::affinePiece;
    private final Workers.Task rowsTask = this::binaryRows;
    private final Workers.Task sgdTask = this::sgdPiece;
    private final Workers.Task sumTask = this::sumRows;

    private Unary unary;
    private Binary binary;
    private long a;
    private long b;
    private long c;
    private long out;
    private int aStep;
    private int bStep;
    private long aRow;
    private long bRow;
    private long n;
    private int columns;
    private int rowsAtOnce;
    private float rate;
    private float momentum;
    private float decay;
    private boolean nesterov;

    /** Loops for a team. */
    public Pointwise(Workers workers, Simd simd) {
        this.workers = workers;
        this.simd = simd;
    }

    private int pieces(long count) {
        n = count;
        return Math.toIntExact((count + PIECE - 1) / PIECE);
    }

    private long piece(int chunk) {
        return Math.min(PIECE, n - (long) chunk * PIECE);
    }

    /** out[i] = op(a[i]), i below n; out may be a. */
    public void unary(Unary op, long a, long out, long n) {
        this.unary = op;
        this.a = a;
        this.out = out;
        workers.run(unaryTask, pieces(n));
    }

    private void unaryPiece(int chunk, int worker) {
        long at = 4L * chunk * PIECE;
        simd.unary(unary, a + at, out + at, piece(chunk));
    }

    /** out[i] = op(a[i * aStep], b[i * bStep]), i below n; a step of 0 repeats one number; out may be an operand of step 1. */
    public void binary(Binary op, long a, int aStep, long b, int bStep, long out, long n) {
        this.binary = op;
        this.a = a;
        this.aStep = aStep;
        this.b = b;
        this.bStep = bStep;
        this.out = out;
        workers.run(binaryTask, pieces(n));
    }

    private void binaryPiece(int chunk, int worker) {
        long at = 4L * chunk * PIECE;
        simd.binary(binary, a + at * aStep, aStep, b + at * bStep, bStep, out + at, piece(chunk));
    }

    /**
     * Broadcast over rows: out[r, i] = op(a[r * aRow + i * aStep], b[r * bRow + i * bStep]) with out (rows, columns) dense.
     * A row of C repeated has row 0 and step 1; a column repeated along the last axis has row 1 and step 0.
     *
     * @param aRow floats from one row of a to the next
     * @param bRow floats from one row of b to the next
     */
    public void binaryRows(Binary op, long rows, int columns, long a, long aRow, int aStep, long b, long bRow, int bStep, long out) {
        this.binary = op;
        this.a = a;
        this.aRow = aRow;
        this.aStep = aStep;
        this.b = b;
        this.bRow = bRow;
        this.bStep = bStep;
        this.out = out;
        workers.run(rowsTask, rowPieces(rows, columns));
    }

    private int rowPieces(long rows, int width) {
        n = rows;
        columns = width;
        rowsAtOnce = Math.max(1, PIECE / Math.max(1, width));
        return Math.toIntExact((rows + rowsAtOnce - 1) / rowsAtOnce);
    }

    private void binaryRows(int chunk, int worker) {
        long first = (long) chunk * rowsAtOnce;
        for (long r = first; r < Math.min(n, first + rowsAtOnce); r++) {
            simd.binary(binary, a + 4 * r * aRow, aStep, b + 4 * r * bRow, bStep, out + 4 * r * columns, columns);
        }
    }

    /** out[i] = x[i] * a[i * aStep] + b[i * bStep], i below n; out may be x. For a and b as rows of channels use {@link ChannelOps#normalize}. */
    public void multiplyAdd(long x, long a, int aStep, long b, int bStep, long out, long n) {
        this.c = x;
        this.a = a;
        this.aStep = aStep;
        this.b = b;
        this.bStep = bStep;
        this.out = out;
        workers.run(affineTask, pieces(n));
    }

    private void affinePiece(int chunk, int worker) {
        long at = 4L * chunk * PIECE;
        simd.multiplyAdd(c + at, a + at * aStep, aStep, b + at * bStep, bStep, out + at, piece(chunk));
    }

    /** out[r] = sum of x[r, :] over a dense last axis. */
    public void sumLast(long rows, int columns, long x, long out) {
        this.a = x;
        this.out = out;
        workers.run(sumTask, rowPieces(rows, columns));
    }

    private void sumRows(int chunk, int worker) {
        long first = (long) chunk * rowsAtOnce;
        for (long r = first; r < Math.min(n, first + rowsAtOnce); r++) {
            Raw.set(out + 4 * r, simd.sum(a + 4 * r * columns, columns));
        }
    }

    /** Stochastic gradient descent with momentum, PyTorch's form: g += decay * w; v = momentum * v + g; w -= rate * (nesterov ? g + momentum * v : v). g is read only. */
    public void sgd(long w, long g, long v, long n, float rate, float momentum, float decay, boolean nesterov) {
        this.a = w;
        this.b = g;
        this.c = v;
        this.rate = rate;
        this.momentum = momentum;
        this.decay = decay;
        this.nesterov = nesterov;
        workers.run(sgdTask, pieces(n));
    }

    private void sgdPiece(int chunk, int worker) {
        long at = 4L * chunk * PIECE;
        simd.sgd(a + at, b + at, c + at, piece(chunk), rate, momentum, decay, nesterov);
    }
}
