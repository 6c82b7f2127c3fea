package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;

/** The parts of a product that a block of the kernels on tensor_cores.cuh computes. The names of its constants are those of candidates; sizes are the kernels'. */
enum TensorTile {
    /** Eight warps with 64 x 64 results each: loads least for its results, one block per multiprocessor. */
    T128X256(128, 256, 256, 0.95),
    /** Four warps with 64 x 64 results. */
    T128X128(128, 128, 128, 0.9),
    /** Four warps with 64 x 32 results, for few columns. */
    T128X64(128, 64, 128, 0.75),
    /** Four warps with 32 x 32 results, for small products. */
    T64X64(64, 64, 128, 0.55);

    private static final int STAGES = 4;
    /** Bytes of a row in a stage. */
    private static final int DEPTH_BYTES = 64;

    private final int rows;
    private final int columns;
    private final int threads;
    private final double efficiency;

    TensorTile(int rows, int columns, int threads, double efficiency) {
        this.rows = rows;
        this.columns = columns;
        this.threads = threads;
        this.efficiency = efficiency;
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    int threads() {
        return threads;
    }

    /** Part of the tensor cores' rate that its main loop can keep up: bounded by what warps read of shared memory per product. An estimate; nothing was timed. */
    double efficiency() {
        return efficiency;
    }

    /** Dynamic shared memory of a block. */
    int sharedBytes() {
        return STAGES * (rows + columns) * DEPTH_BYTES;
    }

    /** Elements of depth in a stage. */
    static int depth(DType dtype) {
        return DEPTH_BYTES / dtype.bytes();
    }

    /** Tiles of a product. */
    long count(long m, long n) {
        return Call.blocks(m, rows) * Call.blocks(n, columns);
    }

    /** {@code 128x256}. */
    @Override
    public String toString() {
        return rows + "x" + columns;
    }
}
