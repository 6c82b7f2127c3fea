package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;

/**
 * The innermost loops of the CPU backend over float32 data at native addresses. Blocking, packing and threading drive this
 * interface and are written once; {@link Kernels#get()} chooses the implementation.
 *
 * <p>Public only because its implementations live in packages of their own; not meant for use outside of the backend.
 * Strides are in bytes, counts in elements. Nothing is checked and nothing is allocated: callers own both.
 */
public interface Simd {
    /** Most rows of one tile. */
    int TILE_ROWS = 6;

    /** Floats per vector. */
    int lanes();

    /** Columns of a full tile and of a full packed panel: four vectors. */
    default int panel() {
        return 4 * lanes();
    }

    /** One line about the implementation, for logs. */
    String describe();

    /**
     * C (rows, columns) = [C +] sum over p below k of A[i, p] * B[p, j].
     *
     * @param rows 1 to {@link #TILE_ROWS}
     * @param columns 1 to {@link #panel()}; B is readable up to the next multiple of {@link #lanes()}
     * @param aRow bytes from A[i, p] to A[i + 1, p]
     * @param aStep bytes from A[i, p] to A[i, p + 1]
     * @param scratch {@link #TILE_ROWS} * {@link #panel()} floats of this thread's own
     */
    void tile(int rows, int columns, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate, long scratch);

    /** Copies rows of contiguous floats. Source rows may overlap one another, destination rows not. */
    void copyRows(long rows, int columns, long from, long fromRow, long to, long toRow);

    /** Writes the transpose: to[j, i] = from[i, j], i below rows, j below columns. */
    void transpose(int rows, int columns, long from, long fromRow, long to, long toRow);

    /** Copies rows of halves (F16 or BF16) to rows of floats, exactly; a signalling NaN becomes quiet in F16. */
    void widen(DType half, long rows, int columns, long from, long fromRow, long to, long toRow);

    /** Copies rows of floats to rows of halves (F16 or BF16), rounded to nearest, ties to even. */
    void narrow(DType half, long rows, int columns, long from, long fromRow, long to, long toRow);

    /** Sets n floats. */
    void fill(long to, long n, float value);

    /** The loop of a pointwise op; null if there is none, and the op's own meaning is to be used element by element. */
    PointwiseLoop pointwise(Pointwise op);

    /** out[i] += a[i]. */
    void addTo(long a, long out, long n);

    /** out[c] = sum over rows of x[row, c]; row distance in bytes. */
    void columnSums(int rows, int channels, long x, long xRow, long out);

    /** The same, in double or with compensation, so that errors do not grow with the rows: for sums of blocks. */
    default void exactColumnSums(int rows, int channels, long x, long xRow, long out) {
        for (long c = 0; c < 4L * channels; c += 4) {
            double sum = 0;
            for (int i = 0; i < rows; i++) {
                sum += Raw.get(x + i * xRow + c);
            }
            Raw.set(out + c, (float) sum);
        }
    }

    /** sum[c] and squares[c]: sums over rows of x[row, c] - center[c] and of its square. */
    void columnMoments(int rows, int channels, long x, long xRow, long center, long sum, long squares);

    /** sum[c] = sum over rows of dy[row, c]; dot[c] = sum over rows of dy[row, c] * (x[row, c] - mean[c]). */
    void columnDots(int rows, int channels, long dy, long dyRow, long x, long xRow, long mean, long sum, long dot);

    /** out[c] += sum over rows of a[row, c] * b[row, c]. */
    void columnProducts(int rows, int channels, long a, long aRow, long b, long bRow, long out);

    /** y = (x - mean[c]) * scale[c] + shift[c], then max(y, 0) if relu; dense rows; y may be x. */
    void normalize(int rows, int channels, long x, long mean, long scale, long shift, long y, boolean relu);

    /** dx = a[c] * dy + b[c] * (x - mean[c]) + k[c]; dense rows; dx may be dy or x. @param factors address of a, b and k: three rows of channels */
    void normalizeBackward(int rows, int channels, long dy, long x, long mean, long factors, long dx);

    /** y = activation((x - mean[c]) * scale[c] + shift[c] + residual); dense rows; y may be x. @param residual of x's shape, 0 for none */
    default void normalize(int rows, int channels, long x, long mean, long scale, long shift, long residual, Nonlinearity activation, long y) {
        normalize(rows, channels, x, mean, scale, shift, y, false);
        if (residual != 0) {
            addTo(residual, y, (long) rows * channels);
        }
        switch (activation) {
            case NONE -> { }
            case RELU -> PointwiseLoop.of(PointwiseLoop.RELU, this).run(y, 1, y, 1, y, 1, y, (long) rows * channels);
            case SILU -> PointwiseLoop.of(PointwiseLoop.SILU, this).run(y, 1, y, 1, y, 1, y, (long) rows * channels);
        }
    }

    /**
     * Of the gradient g that an activation lets through, {@code activation'((x - mean[c]) * scale[c] + shift[c] + residual) dy}: sum[c] = sum over rows of g,
     * dot[c] = sum of g * (x - mean[c]). Dense rows.
     *
     * @param forward address of mean, scale and shift: three rows of channels
     * @param residual of x's shape, 0 for none
     * @param g as large as x: becomes the gradient if there is a residual, is scratch if not
     */
    default void activationDots(int rows, int channels, long dy, long x, long forward, long residual, Nonlinearity activation, long g, long sum, long dot) {
        long row = 4L * channels;
        gradient(rows, channels, dy, x, forward, residual, activation, g);
        columnDots(rows, channels, g, row, x, row, forward, sum, dot);
    }

    /**
     * {@link #normalizeBackward} of the gradient that an activation lets through, as in {@link #activationDots} without residual. dx may be dy or x.
     *
     * @param forward address of mean, scale and shift
     * @param factors address of a, b and k
     * @param g scratch as large as x
     */
    default void activationBackward(int rows, int channels, long dy, long x, long forward, long factors, Nonlinearity activation, long g, long dx) {
        if (activation == Nonlinearity.NONE) {
            normalizeBackward(rows, channels, dy, x, forward, factors, dx);
        } else {
            gradient(rows, channels, dy, x, forward, 0, activation, g);
            normalizeBackward(rows, channels, g, x, forward, factors, dx);
        }
    }

    private void gradient(int rows, int channels, long dy, long x, long forward, long residual, Nonlinearity activation, long g) {
        long row = 4L * channels;
        long n = (long) rows * channels;
        if (activation == Nonlinearity.NONE) {
            copyRows(1, Math.toIntExact(n), dy, 0, g, 0);
            return;
        }
        normalize(rows, channels, x, forward, forward + row, forward + 2 * row, residual, Nonlinearity.NONE, g);
        Pointwise slope = activation == Nonlinearity.RELU ? PointwiseLoop.RELU_BACKWARD : PointwiseLoop.SILU_BACKWARD;
        PointwiseLoop.of(slope, this).run(dy, 1, g, 1, g, 1, g, n);
    }

    /**
     * The same loops, of which {@code normalize}, {@link #normalizeBackward}, {@link #activationDots} (g, if there is a residual) and {@link #activationBackward} write past the
     * caches, where the processor can: for outputs that are larger than the caches. Their rows have to be whole vectors, on a multiple of a vector's size.
     */
    default Simd streaming() {
        return this;
    }

    /** Bytes of one entry of a tap table: address, second address, then an int (tap number) or a float (weight). */
    int TAP_BYTES = 24;

    /**
     * out[c] = sum over the table of first[c] * second[c], for a run of output pixels.
     *
     * @param pixels output pixels with the same taps
     * @param step bytes by which the tables' pixel addresses advance from one output pixel to the next
     * @param outStep bytes from one output pixel to the next
     */
    void windowProducts(int taps, long table, int pixels, long step, int channels, long out, long outStep);

    /** out[c] = sum over the table of first[c] * weight; runs as in {@link #windowProducts}. */
    void windowSum(int taps, long table, int pixels, long step, int channels, long out, long outStep);

    /** out[c] = largest first[c] of at least one entry, index[c] = its tap number; the earliest wins a tie, NaN wins over all. */
    void windowMax(int taps, long table, int pixels, long step, int channels, long out, long index, long outStep);

    /** out[c] = sum of first[c] over the entries whose second[c] (an int) equals their tap number. */
    void windowRoute(int taps, long table, int pixels, long step, int channels, long out, long outStep);

    /** to[i] = from[i] * factor, in place or elsewhere; whether all of from[i] are finite. */
    boolean scale(long from, long to, long n, float factor);

    /** Whether all of x[i] are finite. */
    boolean finite(long x, long n);

    /** Sum of x[i]^2. @param n some thousand at most: it is summed in float */
    float squares(long x, long n);

    /** out[r] = bias[r] + sum over c of matrix[r, c] * vector[c], r from 0 below rows, at least 1; dense rows. */
    default void rowDots(int rows, int columns, long matrix, long vector, long bias, long out) {
        for (long r = 0; r < rows; r++) {
            float even = Raw.get(bias + 4 * r);
            float odd = 0;
            for (long c = 0; c < columns; c++) {
                float product = Raw.get(matrix + 4 * (r * columns + c)) * Raw.get(vector + 4 * c);
                if ((c & 1) == 0) {
                    even += product;
                } else {
                    odd += product;
                }
            }
            Raw.set(out + 4 * r, even + odd);
        }
    }

    /** The loop of an optimizer's rule that is not extended. */
    UpdateLoop update(Update.Rule plain);
}
