package dev.jacquard.cpu;

/** Cuts rows and columns into tiles and panels; shared by matrix products and convolutions. */
final class Tiling {
    /** Floats of one p-block: its slice of A (6 rows) stays in the first-level cache, its slice of B in the second. */
    static final int DEPTH = 256;

    private Tiling() {}

    static int ceil(int a, int b) {
        return (a + b - 1) / b;
    }

    /** The number of panels that cover n columns. */
    static int panels(Simd simd, int n) {
        return ceil(n, simd.panel());
    }

    /** Columns of panel j, of n columns in all. */
    static int columns(Simd simd, int n, int j) {
        return Math.min(simd.panel(), n - j * simd.panel());
    }

    /** Floats of one packed row of panel j: its columns up to whole vectors. */
    static int width(Simd simd, int n, int j) {
        return ceil(columns(simd, n, j), simd.lanes()) * simd.lanes();
    }

    /** Floats of all packed panels of a (k, n) matrix. */
    static long packedFloats(Simd simd, int k, int n) {
        if (n == 0) {
            return 0;
        }
        int last = panels(simd, n) - 1;
        return (long) k * ((long) last * simd.panel() + width(simd, n, last));
    }

    static long scratchBytes(Simd simd) {
        return 4L * Simd.TILE_ROWS * simd.panel();
    }

    /** Equal steps of at most {@code most}, so that no short rest is left. */
    static int step(int n, int most) {
        return n == 0 ? 1 : ceil(n, ceil(n, most));
    }

    /** One panel's worth of columns over any number of rows. */
    static void rows(Simd simd, int rows, int columns, int k, long a, long aRow, long aStep, long b, long bStep, long c, long cRow, boolean accumulate, long scratch) {
        int i = 0;
        while (i < rows) {
            int left = rows - i;
            // 8 rows as 4 + 4: a tile of 2 rows does not hide the latency of its multiply-adds.
            int height = left == 8 || left == 4 ? 4 : Math.min(Simd.TILE_ROWS, left);
            simd.tile(height, columns, k, a + i * aRow, aRow, aStep, b, bStep, c + i * cRow, cRow, accumulate, scratch);
            i += height;
        }
    }
}
