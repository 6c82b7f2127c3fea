package dev.jacquard.cpu.x64;

/**
 * The epilogue of a product's tile while the next tile is multiplied, by AVX-512: a tile's sums are kept in the frame, and rows of them are taken up between steps of the next one.
 * At the end of its own tile an epilogue would stand alone: multiply-adds before it are what it waits for, those behind it are too far away for the processor to see.
 *
 * <p>Registers: rbx, whether a tile is kept; r9, where its next row goes; r10, that row in the frame; r8, where these end.
 */
abstract sealed class LateRows permits LateSilu, LateGradient {
    final Assembler a;
    final InstructionSet set;
    final int vectors;
    final int cRow;
    private final int tileRows;

    /**
     * @param vectors of a row
     * @param cRow bytes from a row of C to the next
     */
    LateRows(Assembler a, InstructionSet set, int tileRows, int vectors, int cRow) {
        this.a = a;
        this.set = set;
        this.tileRows = tileRows;
        this.vectors = vectors;
        this.cRow = cRow;
    }

    /** Stores a vector of a row of C. */
    @FunctionalInterface
    interface Store {
        /** @param v which vector of the row */
        void accept(Mem to, int v, Vec from);
    }

    /** Row i of those that are next: from where r10 points to where r9 does. */
    abstract void row(int i);

    /** Before a function's first tile. */
    void prepare() {}

    /** A tile has been kept. */
    void kept() {}

    /** All of its rows were taken up. */
    void taken() {}

    /** Asks for what so many rows will need, some rows before they do. */
    void ask(int rows) {}

    /** Into how many parts the depth of a tile is cut, before each of which some rows are taken up. */
    static int parts(int tileRows) {
        return tileRows / rowsOfPart(tileRows);
    }

    private static int rowsOfPart(int tileRows) {
        return tileRows <= 6 ? 1 : tileRows <= 12 ? 2 : 4;
    }

    final int rowBytes() {
        return vectors * set.bytes();
    }

    /** Nothing is kept. */
    final void none() {
        a.xor(Gp.RBX, Gp.RBX);
    }

    /** Keeps a tile's sums, whose vectors lie in registers one after the other. */
    final void keep() {
        for (int i = 0; i < tileRows * vectors; i++) {
            a.vmovups(Mem.at(Gp.RDI, ProductFrame.KEPT + i * set.bytes()), set.vec(i));
        }
        kept();
        a.mov(Gp.RBX, 1);
    }

    private void begin() {
        a.lea(Gp.R9, Mem.at(Gp.RDX, -tileRows * cRow));
        a.lea(Gp.R10, Mem.at(Gp.RDI, ProductFrame.KEPT));
        a.lea(Gp.R8, Mem.at(Gp.RDI, ProductFrame.KEPT + tileRows * rowBytes()));
    }

    /** The steps of a tile, in fours, and between them the rows of the tile before, if it was kept. @param fours emits rcx of them, at least one */
    final void between(Runnable fours) {
        begin();
        Label part = a.here();
        Label skip = new Label();
        a.test(Gp.RBX, Gp.RBX);
        a.j(Condition.E, skip);
        for (int i = 0; i < rowsOfPart(tileRows); i++) {
            row(i);
        }
        a.bind(skip);
        ask(rowsOfPart(tileRows));
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
        Label done = new Label();
        a.test(Gp.RBX, Gp.RBX);
        a.j(Condition.E, done);
        taken();
        none();
        a.bind(done);
    }

    /** What is kept is taken up now: rdx is behind its rows. */
    final void finish() {
        Label done = new Label();
        a.test(Gp.RBX, Gp.RBX);
        a.j(Condition.E, done);
        begin();
        Label again = a.here();
        row(0);
        next(1);
        a.cmp(Gp.R10, Gp.R8);
        a.j(Condition.NE, again);
        taken();
        none();
        a.bind(done);
    }

    private void next(int rows) {
        a.add(Gp.R9, rows * cRow);
        a.add(Gp.R10, rows * rowBytes());
    }
}
