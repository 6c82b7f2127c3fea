package dev.jacquard.cpu.x64;

import java.util.ArrayList;
import java.util.List;

/**
 * A row of results cut into tiles of neighbours that are computed together, in registers. Tiles next to each other that read their inputs in the same pattern are one run, for
 * which code is emitted once: mostly a left border, a middle and a right border.
 */
final class ColumnTiles {
    /** That result {@code column} of a tile takes the input in question by {@code tap}. */
    record Use(int column, int tap) {}

    /** An input column, counted from the tile's base, and the results that take it. */
    record Read(int offset, List<Use> uses) {}

    /**
     * Tiles of one pattern.
     *
     * @param first result column of the first of them
     * @param width result columns of each
     * @param base input column from which the first's reads are counted
     * @param step by which the base moves on from tile to tile
     * @param count number of tiles
     * @param reads input columns, from left to right
     */
    record Run(int first, int width, int base, int step, int count, List<Read> reads) {}

    private ColumnTiles() {}

    /** Columns of a tile: as equal as they can be, at most so many. */
    static int width(TapMap columns, int most) {
        int whole = columns.backward() && columns.stride() <= most ? columns.stride() : 1;
        int limit = most / whole * whole;
        return Math.ceilDiv(Pieces.even(columns.out(), limit), whole) * whole;
    }

    /** All tiles of a row. */
    static List<Run> of(TapMap columns, int width) {
        List<Run> runs = new ArrayList<>();
        for (int first = 0; first < columns.out(); first += width) {
            Run tile = tile(columns, first, Math.min(width, columns.out() - first));
            Run last = runs.isEmpty() ? null : runs.getLast();
            if (last != null && last.width() == tile.width() && last.reads().equals(tile.reads())
                    && (last.count() == 1 || tile.base() == last.base() + last.step() * last.count())) {
                int step = last.count() == 1 ? tile.base() - last.base() : last.step();
                runs.set(runs.size() - 1, new Run(last.first(), last.width(), last.base(), step, last.count() + 1, last.reads()));
            } else {
                runs.add(tile);
            }
        }
        return runs;
    }

    private static Run tile(TapMap columns, int first, int width) {
        int base = columns.base(first);
        int low = Integer.MAX_VALUE;
        int high = Integer.MIN_VALUE;
        for (int p = 0; p < width; p++) {
            for (int s = 0; s < columns.taps(); s++) {
                int at = columns.at(first + p, s);
                low = at < 0 ? low : Math.min(low, at);
                high = Math.max(high, at);
            }
        }
        List<Read> reads = new ArrayList<>();
        for (int at = Math.max(0, low); low != Integer.MAX_VALUE && at <= high; at++) {
            List<Use> uses = new ArrayList<>();
            for (int p = 0; p < width; p++) {
                for (int s = 0; s < columns.taps(); s++) {
                    if (columns.at(first + p, s) == at) {
                        uses.add(new Use(p, s));
                    }
                }
            }
            if (!uses.isEmpty()) {
                reads.add(new Read(at - base, List.copyOf(uses)));
            }
        }
        return new Run(first, width, base, 0, 1, List.copyOf(reads));
    }
}
