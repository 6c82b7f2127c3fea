package dev.jacquard.kernels;

/** The tiles of the kernels on hopper.cuh: 128 rows by so many columns. */
enum HopperTile {
    /** Reads least for its results; a multiprocessor holds one block. */
    WIDE(256, 4, 1),
    /** Two blocks, one of which multiplies while the other stores. */
    SQUARE(128, 3, 2),
    /** For few columns. */
    NARROW(64, 4, 2);

    /** Of a tile. */
    static final int ROWS = 128;
    /** Elements of a slice of the depth. */
    static final int DEPTH = 64;
    /** Threads of a block: two warpgroups that multiply, a warp that copies. */
    static final int THREADS = 288;

    private static final int LINE = 128;
    private static final int WARPS = 8;

    private final int columns;
    private final int stages;
    private final int blocks;

    HopperTile(int columns, int stages, int blocks) {
        this.columns = columns;
        this.stages = stages;
        this.blocks = blocks;
    }

    int columns() {
        return columns;
    }

    /** Blocks that a multiprocessor holds. */
    int blocks() {
        return blocks;
    }

    /** Dynamic shared memory: stages of both operands' slices, 16 lines for each warp to turn results round, two barriers per stage. */
    int shared() {
        return stages * (ROWS + columns) * LINE + WARPS * 16 * LINE + 16 * stages;
    }

    /** {@code 128x256}. */
    @Override
    public String toString() {
        return ROWS + "x" + columns;
    }
}
