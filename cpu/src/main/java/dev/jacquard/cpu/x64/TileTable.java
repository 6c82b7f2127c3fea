package dev.jacquard.cpu.x64;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where the rows of a {@link ProductKernel}'s tiles lie, in native memory. A tile is its height, {@link ProductKernel#LISTED_ROWS} offsets of rows of C, then per tap as many offsets of rows of A: all of 8
 * bytes, in bytes from the frame's addresses.
 */
final class TileTable {
    /** Where a tile has its height. */
    static final int HEIGHT = 0;
    /** Where it has its rows of C. */
    static final int OUT = 8;
    /** Where it has its taps. */
    static final int TAPS = OUT + 8 * ProductKernel.LISTED_ROWS;
    /** Size of a tap. */
    static final int TAP_BYTES = 8 * ProductKernel.LISTED_ROWS;
    /** In place of an offset: zeros are read. */
    static final int OUTSIDE = -1;
    /** In place of a tap's first offset: the tap contributes nothing to the tile. */
    static final int NONE_INSIDE = -2;

    /** Where rows lie. */
    interface Rows {
        /** Offset of a row of C. */
        long out(int row);

        /** Offset of a row's elements under a tap, or {@link #OUTSIDE}. */
        long in(int row, int tap);
    }

    private final MemorySegment memory;
    private final int tiles;
    private final int[] firstRow;
    private final long tileBytes;

    /**
     * A table.
     *
     * @param rows how many there are
     * @param most rows of a tile at most: all tiles are as high as others, or one row lower
     * @param taps of each row
     */
    TileTable(int rows, int most, int taps, Rows where) {
        tiles = (rows + most - 1) / most;
        tileBytes = TAPS + (long) taps * TAP_BYTES;
        memory = Arena.ofAuto().allocate(tiles * tileBytes, 64);
        firstRow = new int[tiles + 1];
        for (int t = 0; t < tiles; t++) {
            firstRow[t + 1] = (int) ((t + 1L) * rows / tiles);
            tile(t * tileBytes, firstRow[t], firstRow[t + 1] - firstRow[t], taps, where);
        }
    }

    private void tile(long at, int first, int height, int taps, Rows where) {
        put(at + HEIGHT, height);
        for (int i = 0; i < height; i++) {
            put(at + OUT + 8L * i, where.out(first + i));
        }
        for (int t = 0; t < taps; t++) {
            long tap = at + TAPS + (long) t * TAP_BYTES;
            boolean inside = false;
            for (int i = 0; i < height; i++) {
                long in = where.in(first + i, t);
                put(tap + 8L * i, in);
                inside |= in >= 0;
            }
            if (!inside) {
                put(tap, NONE_INSIDE);
            }
        }
    }

    private void put(long at, long value) {
        memory.set(ValueLayout.JAVA_LONG, at, value);
    }

    /** Number of tiles. */
    int tiles() {
        return tiles;
    }

    /** Rows before a tile. */
    int firstRow(int tile) {
        return firstRow[tile];
    }

    /** Size of a tile. */
    long tileBytes() {
        return tileBytes;
    }

    /** Address of a tile. */
    long address(int tile) {
        return memory.address() + tile * tileBytes;
    }
}
