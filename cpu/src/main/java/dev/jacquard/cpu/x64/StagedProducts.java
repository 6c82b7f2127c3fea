package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import dev.jacquard.cpu.x64.TransposedProduct.Fetch;
import dev.jacquard.cpu.x64.TransposedProduct.Steps;
import dev.jacquard.cpu.x64.TransposedProduct.Tile;

/**
 * Sums over positions of products of two operands that were brought to memory of their own beforehand, {@code c[point][i][j] (+)= sum of rows[point][position][i] *
 * columns[point][position][j]}: the middle of a gradient of weights. Positions there are odd numbers of cache lines apart, so that those of a part of the channels are spread over
 * all sets of the caches. Some positions at a time are multiplied from the second-level cache by {@link TransposedProduct}, while those that come next are fetched from the last
 * one.
 *
 * <p>Work is cut by the shape alone: an item is a point's product of a part of the rows and a part of the columns.
 */
final class StagedProducts {
    private static final int LINE = 64;

    private final int points;
    private final Side rows;
    private final Side columns;
    private final int sumRow;
    private final long sumPoint;
    private final int depth;
    private final Fetch fetch = new Fetch(2, 1, false);
    private final Kernel[] products;
    private final int[] tiles;

    private long notes;
    private long rowsAt;
    private long columnsAt;
    private long sumsAt;
    private int positions;
    private boolean add;

    /** What workers do with {@link #items}. */
    final Workers.Task multiply = this::multiply;

    /**
     * An operand.
     *
     * @param channels of a position
     * @param parts that they are cut into
     * @param unit channels that stay together
     * @param step bytes from a position to the next
     * @param point bytes from a point to the next
     */
    record Side(int channels, int parts, int unit, int step, int point) {
        /** @param positions most of them at a time */
        static Side of(int channels, int parts, int unit, int positions) {
            int step = oddLines(channels * Float.BYTES);
            return new Side(channels, parts, unit, step, oddLines(positions * step));
        }

        int first(int part) {
            return Math.min(channels, (int) ((long) Math.ceilDiv(channels, unit) * part / parts) * unit);
        }

        int size(int part) {
            return first(part + 1) - first(part);
        }

        private int lines(int part) {
            return Math.ceilDiv(Float.BYTES * size(part), LINE);
        }
    }

    /**
     * @param points products beside each other
     * @param rows operand whose numbers go with vectors of the other
     * @param columns operand that is read as vectors
     * @param sumRow bytes from a row of sums to the next
     * @param sumPoint bytes from a point's sums to the next point's
     * @param depth positions that are summed up in registers, at most
     */
    StagedProducts(InstructionSet set, int points, Side rows, Side columns, int sumRow, long sumPoint, int depth) {
        this.points = points;
        this.rows = rows;
        this.columns = columns;
        this.sumRow = sumRow;
        this.sumPoint = sumPoint;
        this.depth = depth;
        Tile tile = set == InstructionSet.AVX512 ? new Tile(14, 2) : new Tile(6, 2);
        products = new Kernel[rows.parts * columns.parts];
        tiles = new int[products.length];
        for (int i = 0; i < products.length; i++) {
            int m = rows.size(i / columns.parts);
            int n = columns.size(i % columns.parts);
            Steps a = new Steps(rows.step, 0, 0, 0, set.bytes());
            Steps b = new Steps(columns.step, 0, 0, 0, set.bytes());
            products[i] = Kernel.of(new TransposedProduct(set, tile, m, n, a, b, sumRow, fetch));
            tiles[i] = tile.rows(m).count() * tile.columns(n, set).count();
        }
    }

    /** So many bytes, or up to two cache lines more: an odd number of them. */
    static int oddLines(int bytes) {
        return (Math.ceilDiv(bytes, LINE) | 1) * LINE;
    }

    /** Bytes that workers note in what is to be fetched. */
    long notesBytes(int workers) {
        return Raw.align((long) workers * fetch.bytes());
    }

    /** Bytes of an operand at all points. */
    long bytes(Side side) {
        return (long) points * side.point;
    }

    /** Says where everything is: notes, operands, sums. */
    void place(long notesAt, long rowOperand, long columnOperand, long sums) {
        notes = notesAt;
        rowsAt = rowOperand;
        columnsAt = columnOperand;
        sumsAt = sums;
    }

    /** Says what is to be multiplied next. @param count positions @param accumulate whether to add to the sums that are there */
    void positions(int count, boolean accumulate) {
        positions = count;
        add = accumulate;
    }

    /** How many items there are. */
    int items() {
        return points * products.length;
    }

    private void multiply(int item, int worker) {
        int part = item % products.length;
        long to = sumsAt + item / products.length * sumPoint + (long) rows.first(part / columns.parts) * sumRow + (long) Float.BYTES * columns.first(part % columns.parts);
        int steps = Math.ceilDiv(positions, depth);
        for (int step = 0; step < steps; step++) {
            boolean last = step + 1 == steps;
            fetch(last ? item + 1 : item, last ? 0 : first(step + 1), part, worker);
            long counts = TransposedProduct.counts(first(step + 1) - first(step), 1, 1, add || step > 0);
            products[part].run(row(item, first(step)), column(item, first(step)), to, counts, note(worker), 0);
        }
    }

    /** The first position of a step. */
    private int first(int step) {
        return (int) ((long) positions * step / Math.ceilDiv(positions, depth));
    }

    private long note(int worker) {
        return notes + (long) worker * fetch.bytes();
    }

    private long row(int item, int position) {
        return rowsAt + (long) (item / products.length) * rows.point + (long) position * rows.step + (long) Float.BYTES * rows.first(item % products.length / columns.parts);
    }

    private long column(int item, int position) {
        return columnsAt + (long) (item / products.length) * columns.point + (long) position * columns.step + (long) Float.BYTES * columns.first(item % columns.parts);
    }

    /** Notes what is fetched while a part is multiplied: what this worker will multiply next, most probably. */
    private void fetch(int item, int position, int part, int worker) {
        long at = note(worker);
        boolean any = item < items();
        int next = item % products.length;
        int rowLines = any ? rows.lines(next / columns.parts) : 0;
        int columnLines = any ? columns.lines(next % columns.parts) : 0;
        fetch.every(at, Math.max(1, tiles[part] / Math.max(1, rowLines + columnLines)));
        fetch.walk(at, 0, row(item, position), rows.step, 0, rowLines);
        fetch.walk(at, 1, column(item, position), columns.step, 0, columnLines);
    }
}
