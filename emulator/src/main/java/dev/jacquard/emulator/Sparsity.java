package dev.jacquard.emulator;

/**
 * Which of a 2:4 sparse matrix's columns are stored: of each four columns of a row two, whose 2-bit indices, the lower first, are four bits of the metadata.
 *
 * <p>Where the four bits of row r and columns 4 q to 4 q + 3 are (PTX ISA, "Sparse matrix storage" and the figures after it): of the four lanes that hold rows g and g + 8, the
 * selector names those that give the metadata.
 *
 * <ul>
 * <li>16-bit elements: a lane has 16 bits of row g and above them those of row g + 8; of m16n8k16 one lane is enough, of m16n8k32 the selected pair's second lane has the second 16
 *     columns.
 * <li>8-bit elements: a lane has 32 bits of one row; of a pair of lanes the first has row g and the second row g + 8; m16n8k64 takes both pairs, the second for the second 32
 *     columns.
 * </ul>
 */
final class Sparsity {
    private static final int ROWS = 16;

    private final int metadata;
    private final int selector;
    private final int depth;
    private final boolean bytes;
    private final int[] places;

    /** @param metadata its register @param depth k of the shape @param bytes whether elements have 8 bits, else 16 */
    Sparsity(int metadata, int selector, int depth, boolean bytes) {
        this.metadata = metadata;
        this.selector = selector;
        this.depth = depth;
        this.bytes = bytes;
        places = new int[ROWS * depth / 2];
    }

    /** How many values the selector of a shape may have. */
    static int selectors(int depth, boolean bytes) {
        return bytes ? depth == 64 ? 1 : 2 : depth == 32 ? 2 : 4;
    }

    /**
     * The column of each stored element, row by row.
     *
     * @throws Fault if two indices do not increase. {@code mma.sp} without {@code ordered_metadata} would take them in the other order too; ptxas says that this will be slow
     */
    int[] places(Warp w) {
        int[] from = w.r[metadata];
        for (int row = 0; row < ROWS; row++) {
            for (int q = 0; q < depth / 4; q++) {
                int lane = lane(row, q);
                int bits = from[lane] >>> shift(row, q) & 15;
                int first = bits & 3;
                int second = bits >> 2;
                if (first >= second) {
                    throw new Fault(lane, "bad metadata of a sparse matrix: indices %d and %d of row %d, columns %d to %d, do not increase (0x%08x)".formatted(first, second, row,
                            4 * q, 4 * q + 3, from[lane]));
                }
                int at = row * depth / 2 + 2 * q;
                places[at] = 4 * q + first;
                places[at + 1] = 4 * q + second;
            }
        }
        return places;
    }

    private int lane(int row, int q) {
        int group = 4 * (row & 7);
        if (bytes) {
            return group + 2 * selector + (row >> 3) + 2 * (q >> 3);
        }
        return group + (depth == 16 ? selector : 2 * selector + (q >> 2));
    }

    private int shift(int row, int q) {
        return bytes ? 4 * (q & 7) : 16 * (row >> 3) + 4 * (q & 3);
    }
}
