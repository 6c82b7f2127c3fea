package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.GatherPlan;
import dev.jacquard.cpu.TapAxis;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where the rows of a {@link ProductKernel}'s tiles lie, in native memory. A tile is its height, {@link ProductKernel#LISTED_ROWS} offsets of rows of C, then per tap as many
 * offsets of rows of A: all of 8 bytes, in bytes from the frame's addresses.
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
    private interface Rows {
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
     * The table of one phase of a convolution. One that is in use is not made again: a plan is made several times over.
     *
     * @param images 1: a tile's rows are consecutive positions of an image; more: they are one position in so many images
     * @param most rows of a tile at most
     */
    static TileTable of(GatherPlan plan, TapAxis rows, TapAxis columns, int images, int most) {
        Key key = new Key(plan.inH(), plan.inW(), plan.inC(), plan.outH(), plan.outW(), plan.outC(), Axis.of(rows), Axis.of(columns), images, most);
        WeakReference<TileTable> known = MADE.get(key);
        TileTable table = known == null ? null : known.get();
        if (table == null) {
            int taps = rows.taps().length * columns.taps().length;
            table = new TileTable(rows.count() * columns.count() * images, images > 1 ? images : most, taps, new Windows(plan, rows, columns, images));
            MADE.put(key, new WeakReference<>(table));
        }
        return table;
    }

    private static final ConcurrentHashMap<Key, WeakReference<TileTable>> MADE = new ConcurrentHashMap<>();

    private record Axis(int first, int step, int count, List<Integer> in) {
        static Axis of(TapAxis a) {
            return new Axis(a.first(), a.step(), a.count(), Arrays.stream(a.in()).boxed().toList());
        }
    }

    private record Key(int inH, int inW, int inC, int outH, int outW, int outC, Axis rows, Axis columns, int images, int most) {}

    /** Rows of one phase: a position of the first image, of the next images, the next position. */
    private record Windows(GatherPlan plan, TapAxis rows, TapAxis columns, int images) implements Rows {
        @Override
        public long out(int row) {
            int at = row / images;
            int i = rows.first() + at / columns.count() * rows.step();
            int j = columns.first() + at % columns.count() * columns.step();
            return 4 * plan.outC() * ((long) row % images * plan.outH() * plan.outW() + (long) i * plan.outW() + j);
        }

        @Override
        public long in(int row, int tap) {
            int at = row / images;
            int across = columns.taps().length;
            int i = rows.at(at / columns.count(), tap / across);
            int j = columns.at(at % columns.count(), tap % across);
            return i < 0 || j < 0 ? OUTSIDE : 4 * plan.inC() * ((long) row % images * plan.inH() * plan.inW() + (long) i * plan.inW() + j);
        }
    }

    /**
     * A table.
     *
     * @param rows how many there are
     * @param most rows of a tile at most: all tiles are as high as others, or one row lower
     * @param taps of each row
     */
    private TileTable(int rows, int most, int taps, Rows where) {
        tiles = Math.ceilDiv(rows, most);
        tileBytes = TAPS + (long) taps * TAP_BYTES;
        memory = Native.zeros(tiles * tileBytes);
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
