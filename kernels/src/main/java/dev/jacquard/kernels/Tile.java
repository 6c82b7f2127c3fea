package dev.jacquard.kernels;

/** The parts of a product that a block of the kernels on gemm.cuh computes: 4096 results, of one of three shapes. */
enum Tile {
    /** Loads least for its results. */
    SQUARE(64, 64, ""),
    /** For few columns. */
    NARROW(128, 32, "_narrow"),
    /** For few rows. */
    FLAT(32, 128, "_flat");

    /** Threads of a block. */
    static final int THREADS = 128;

    private final long rows;
    private final long columns;
    private final String suffix;

    Tile(long rows, long columns, String suffix) {
        this.rows = rows;
        this.columns = columns;
        this.suffix = suffix;
    }

    /** Whether tiles of 32 along an extent leave so much less of themselves idle than tiles of 64 that it makes up for their loads, a quarter more. */
    static boolean thin(long extent) {
        return 5 * Call.blocks(extent, 32) * 32 <= 4 * Call.blocks(extent, 64) * 64;
    }

    /** Tiles of a product. */
    long count(long m, long n) {
        return Call.blocks(m, rows) * Call.blocks(n, columns);
    }

    /** The name of a kernel with this tile, from that of the one with square tiles. */
    String symbol(String square) {
        return square + suffix;
    }
}
