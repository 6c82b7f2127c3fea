package dev.jacquard.cpu.x64;

/**
 * Columns cut into panels of whole vectors, as even as can be, so that no panel is much narrower than a tile would like: 80 columns of AVX-512 are panels of 3 and 2 vectors, not 4
 * and 1.
 *
 * @param set instruction set
 * @param columns in all
 */
record Panels(InstructionSet set, int columns) {
    /** Number of panels. */
    int count() {
        int all = set.vectors(columns);
        // AVX2: two vectors; of an odd number, one panel has three. AVX-512: four, but six are one panel: its rows are written whole.
        return set == InstructionSet.AVX512 ? all == 6 ? 1 : (all + 3) / 4 : Math.max(1, all / 2);
    }

    private int firstVector(int panel) {
        return (int) ((long) set.vectors(columns) * panel / count());
    }

    /** Vectors of a panel. */
    int vectors(int panel) {
        return firstVector(panel + 1) - firstVector(panel);
    }

    /** First column of a panel. */
    int first(int panel) {
        return firstVector(panel) * set.lanes();
    }

    /** Columns of a panel. */
    int columns(int panel) {
        return Math.min(columns, first(panel + 1)) - first(panel);
    }

    /** Floats of a packed row of a panel. */
    int width(int panel) {
        return vectors(panel) * set.lanes();
    }

    /** Floats of a packed row of all panels. */
    int widths() {
        return set.vectors(columns) * set.lanes();
    }
}
