package dev.jacquard.cpu;

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

    /** Sets n floats. */
    void fill(long to, long n, float value);
}
