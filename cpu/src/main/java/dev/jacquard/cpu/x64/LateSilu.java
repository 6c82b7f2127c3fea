package dev.jacquard.cpu.x64;

import java.util.Arrays;

/**
 * SiLU of a product's tile while the next tile is multiplied, by AVX-512: a tile's sums, scaled and shifted, are kept in the frame, and rows of them are taken up between steps of
 * the next one. At the end of its own tile SiLU would stand alone: multiply-adds before it are what it waits for, those behind it are too far away for the processor to see, and
 * its divisions and powers leave the units for those idle.
 *
 * <p>Registers: rbx, whether a tile is kept; r9, where its next row goes; r10, that row in the frame; r8, where these end.
 */
final class LateSilu {
    private static final int AT_ONCE = 4;

    /** Stores a vector of a row of C. */
    @FunctionalInterface
    interface Store {
        /** @param v which vector of the row */
        void accept(Mem to, int v, Vec from);
    }

    private final Assembler a;
    private final InstructionSet set;
    private final int tileRows;
    private final int vectors;
    private final int cRow;
    private final Vec[] free;
    private final Store store;

    /**
     * @param vectors of a row
     * @param cRow bytes from a row of C to the next
     * @param free registers beside the sums, at least seven
     */
    LateSilu(Assembler a, InstructionSet set, int tileRows, int vectors, int cRow, Vec[] free, Store store) {
        this.a = a;
        this.set = set;
        this.tileRows = tileRows;
        this.vectors = vectors;
        this.cRow = cRow;
        this.free = free.clone();
        this.store = store;
    }

    /** Into how many parts the depth of a tile is cut, before each of which some rows are taken up. */
    static int parts(int tileRows) {
        return tileRows / rowsOfPart(tileRows);
    }

    private static int rowsOfPart(int tileRows) {
        return tileRows <= 6 ? 1 : tileRows <= 12 ? 2 : 4;
    }

    private int rowBytes() {
        return vectors * set.bytes();
    }

    /** Nothing is kept. */
    void none() {
        a.xor(Gp.RBX, Gp.RBX);
    }

    /** Keeps a tile's sums, whose vectors lie in registers one after the other. */
    void keep() {
        for (int i = 0; i < tileRows * vectors; i++) {
            a.vmovups(Mem.at(Gp.RDI, ProductFrame.KEPT + i * set.bytes()), set.vec(i));
        }
        a.mov(Gp.RBX, 1);
    }

    private void begin() {
        a.lea(Gp.R9, Mem.at(Gp.RDX, -tileRows * cRow));
        a.lea(Gp.R10, Mem.at(Gp.RDI, ProductFrame.KEPT));
        a.lea(Gp.R8, Mem.at(Gp.RDI, ProductFrame.KEPT + tileRows * rowBytes()));
    }

    /** The steps of a tile, in fours, and between them the rows of the tile before, if it was kept. @param fours emits rcx of them, at least one */
    void between(Runnable fours) {
        begin();
        Label part = a.here();
        Label skip = new Label();
        a.test(Gp.RBX, Gp.RBX);
        a.j(Condition.E, skip);
        for (int i = 0; i < rowsOfPart(tileRows); i++) {
            row(i);
        }
        a.bind(skip);
        next(rowsOfPart(tileRows));
        Label all = new Label();
        Label nothing = new Label();
        a.mov(Gp.RCX, Mem.at(Gp.RDI, ProductFrame.LATE_PART));
        a.cmp(Gp.R10, Gp.R8);
        a.j(Condition.NE, all);
        a.add(Gp.RCX, Mem.at(Gp.RDI, ProductFrame.LATE_LAST_PART));
        a.bind(all);
        a.test(Gp.RCX, Gp.RCX);
        a.j(Condition.E, nothing);
        fours.run();
        a.bind(nothing);
        a.cmp(Gp.R10, Gp.R8);
        a.j(Condition.NE, part);
        none();
    }

    /** What is kept is taken up now: rdx is behind its rows. */
    void finish() {
        Label done = new Label();
        a.test(Gp.RBX, Gp.RBX);
        a.j(Condition.E, done);
        begin();
        Label again = a.here();
        row(0);
        next(1);
        a.cmp(Gp.R10, Gp.R8);
        a.j(Condition.NE, again);
        none();
        a.bind(done);
    }

    private void next(int rows) {
        a.add(Gp.R9, rows * cRow);
        a.add(Gp.R10, rows * rowBytes());
    }

    /** A row, a few vectors at a time, so that registers are left for constants. */
    private void row(int i) {
        for (int first = 0; first < vectors; first += AT_ONCE) {
            int count = Math.min(AT_ONCE, vectors - first);
            Vec[] values = Arrays.copyOf(free, count);
            for (int v = 0; v < count; v++) {
                a.vmovups(values[v], Mem.at(Gp.R10, i * rowBytes() + (first + v) * set.bytes()));
            }
            new Activations(a, set, Arrays.copyOfRange(free, count, free.length)).applyToScaled(values);
            for (int v = 0; v < count; v++) {
                store.accept(Mem.at(Gp.R9, i * cRow + (first + v) * set.bytes()), first + v, values[v]);
            }
        }
    }
}
