package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Raw;

/**
 * c[i][j] (+)= sum over positions of a[position][i] * b[position][j]: one block of positions of a gradient of weights. Channels are innermost in both operands: a row of a tile is
 * one number of {@code a} for all of a vector, its columns are vectors of {@code b}. All accumulators of a tile stay in registers through the whole block; only then does it touch
 * c.
 *
 * <p>Positions are those of a rectangle: columns within rows within images, with a step in bytes for each. The steps are constants, the counts arguments, so that taps whose
 * rectangles differ share a kernel.
 *
 * <p>Arguments: a, b, c (addresses), the counts ({@link #counts}), and a {@link Fetch}: memory that is brought into the second-level cache on the way.
 *
 * @param set instruction set
 * @param tile rows and vectors of the largest tile
 * @param m rows of c
 * @param n columns of c
 * @param a steps through a
 * @param b steps through b
 * @param cRow bytes from one row of c to the next
 * @param fetch what is brought into the second-level cache meanwhile
 */
record TransposedProduct(InstructionSet set, Tile tile, int m, int n, Steps a, Steps b, int cRow, Fetch fetch) implements Kernel.Spec {
    /**
     * Bytes of the stack: c of this panel, a, images, whether to add, what leads from a row's end to the next row and from an image's end to the next, and likewise to the next row
     * of what is fetched; where a turn copies to, bytes from position to position there, bytes from what it reads to what the next turn reads; and registers that these take: this
     * tile's a and c, b of the panel.
     */
    private static final int FRAME = 128;

    private static final int C_PANEL = 0;
    private static final int A_FIRST = 8;
    private static final int IMAGES = 16;
    private static final int ADD = 24;
    private static final int A_ROW = 32;
    private static final int B_ROW = 40;
    private static final int A_IMAGE = 48;
    private static final int B_IMAGE = 56;
    private static final int FETCH_ROW = 64;
    private static final int TO = 72;
    private static final int PITCH = 80;
    private static final int AHEAD = 88;
    private static final int AHEAD_LAST = 96;
    private static final int TILE_A = 104;
    private static final int TILE_B = 112;
    private static final int TILE_C = 120;

    /** Of the lanes that are copied. */
    private static final int COPY_MASK = 2;

    /**
     * A tile's size.
     *
     * @param rows rows of c
     * @param vectors vectors of columns
     */
    record Tile(int rows, int vectors) {
        /** Rows of c, tile by tile. */
        Pieces rows(int m) {
            return new Pieces(m, 1, rows);
        }

        /** Columns of c, panel by panel. */
        Pieces columns(int n, InstructionSet set) {
            return new Pieces(n, set.lanes(), vectors);
        }
    }

    /**
     * Bytes from one position to the next.
     *
     * @param column within a row of positions
     * @param row from a row to the next
     * @param image from an image to the next
     * @param piece from what one tile reads to what the next reads; 0 if tiles follow one another within a position, or their vectors do
     * @param vector from one vector of a position to the next
     */
    record Steps(int column, int row, int image, int piece, int vector) {}

    /**
     * What is brought near on the way. Longs in memory say where it is: 0 and 8, tiles to wait before the next turn, and from one turn to the next; then for each walk an address,
     * the bytes from position to position there, the bytes that are added to them at the end of a row of positions, and the number of turns, each of which takes some cache lines
     * of each position, from that address on. A tile whose turn it is fetches these and notes that; when a walk has no turns left, the next one begins. Lines are spread over tiles
     * because each occupies one of a few places for misses of the first-level cache as long as memory takes, and tiles need those places too.
     *
     * <p>Lines are fetched into the second-level cache, or copied to where the next block's tiles read them, a vector of each position in a turn (AVX-512 only). Then seven more
     * longs follow in each walk: bytes from what a turn reads to what the next one reads, the mask of lanes to read, where to write, the bytes from position to position and from
     * turn to turn there, and how far beyond what is copied lines are fetched: in all rows of positions but the last {@link #NEAR_ROWS}, and in these, in which it leads to the
     * first rows of the next turn. With no lanes to read, a turn only fetches these.
     *
     * @param walks how many there are
     * @param lines cache lines of each position that a turn takes; 1 if they are copied
     * @param copies whether they are copied
     */
    record Fetch(int walks, int lines, boolean copies) {
        /** Where the first walk's address, steps and number of turns are. */
        static final int FIRST = 24;

        /** Where the number of rows is that are fetched ahead of those that are copied. */
        static final int NEAR_ROWS = 16;

        /** Bytes from these to the next walk's. */
        int next() {
            return copies ? 88 : 32;
        }

        /** Notes after how many tiles the first turn is, and each one after it. */
        void every(long at, long every) {
            Raw.setLong(at, every);
            Raw.setLong(at + 8, every);
        }

        /** Notes a walk. @param address of the first turn's first line @param step to the next position @param row added at the end of a row of positions @param turns how many */
        void walk(long at, int walk, long address, long step, long row, long turns) {
            long to = at + FIRST + (long) walk * next();
            Raw.setLong(to, address);
            Raw.setLong(to + 8, step);
            Raw.setLong(to + 16, row);
            Raw.setLong(to + 24, turns);
        }

        /** Bytes of all, in whole cache lines. */
        int bytes() {
            return FIRST + walks * next() + 63 & -64;
        }
    }

    /** The fourth argument. @param accumulate whether c is added to, rather than overwritten */
    static long counts(int columns, int rows, int images, boolean accumulate) {
        return columns | (long) rows << 24 | (long) images << 44 | (accumulate ? 1L << 63 : 0);
    }

    @Override
    public void emit(Assembler e) {
        e.enter(FRAME);
        decode(e);
        int tail = n % set.lanes();
        LaneMask lanes = tail == 0 ? LaneMask.all(e) : LaneMask.first(e, set, tail, set.vec(set.registers() - 1));
        Pieces panels = tile.columns(n, set);
        panels(e, panels.larger(), panels.low() + 1, LaneMask.all(e));
        panels(e, panels.count() - panels.larger() - (tail == 0 ? 0 : 1), panels.low(), LaneMask.all(e));
        panels(e, tail == 0 ? 0 : 1, panels.low(), lanes);
        e.leave(FRAME);
    }

    /** Takes the counts apart. From then on: r14 columns, r15 rows, the rest in the frame. */
    private void decode(Assembler e) {
        e.mov(Mem.at(Gp.RSP, A_FIRST), Gp.RDI);
        e.mov(Mem.at(Gp.RSP, C_PANEL), Gp.RDX);
        field(e, Gp.R14, 0, 24);
        field(e, Gp.R15, 24, 20);
        field(e, Gp.RAX, 44, 19);
        e.mov(Mem.at(Gp.RSP, IMAGES), Gp.RAX);
        e.shr(Gp.RCX, 63);
        e.mov(Mem.at(Gp.RSP, ADD), Gp.RCX);
        rest(e, a.row, Gp.R14, a.column, A_ROW);
        rest(e, b.row, Gp.R14, b.column, B_ROW);
        rest(e, a.image, Gp.R15, a.row, A_IMAGE);
        rest(e, b.image, Gp.R15, b.row, B_IMAGE);
    }

    private static void field(Assembler e, Gp to, int at, int bits) {
        e.mov(to, Gp.RCX);
        e.shl(to, 64 - at - bits);
        e.shr(to, 64 - bits);
    }

    /** step - count * inner, to the frame. */
    private static void rest(Assembler e, int step, Gp count, int inner, int to) {
        e.imul(Gp.RBX, count, -inner);
        e.add(Gp.RBX, step);
        e.mov(Mem.at(Gp.RSP, to), Gp.RBX);
    }

    private void panels(Assembler e, int count, int vectors, LaneMask last) {
        if (count <= 0) {
            return;
        }
        Pieces tiles = tile.rows(m);
        e.mov(Gp.R13, count);
        Label panel = e.here();
        e.mov(Gp.RDI, Mem.at(Gp.RSP, A_FIRST));
        e.mov(Gp.RDX, Mem.at(Gp.RSP, C_PANEL));
        tiles(e, tiles.larger(), tiles.low() + 1, vectors, last);
        tiles(e, tiles.count() - tiles.larger(), tiles.low(), vectors, last);
        int width = vectors * set.bytes();
        e.add(Gp.RSI, b.piece == 0 ? vectors * b.vector : b.piece);
        e.mov(Gp.RAX, Mem.at(Gp.RSP, C_PANEL));
        e.add(Gp.RAX, width);
        e.mov(Mem.at(Gp.RSP, C_PANEL), Gp.RAX);
        e.dec(Gp.R13);
        e.j(Condition.NE, panel);
    }

    private void tiles(Assembler e, int count, int rows, int vectors, LaneMask last) {
        if (count == 0) {
            return;
        }
        e.mov(Gp.R12, count);
        Label next = e.here();
        Label none = new Label();
        Label done = new Label();
        turn(e, none);
        if (fetch.copies) {
            new Body(e, rows, vectors, last, true).emit();
            e.jmp(done);
            e.bind(none);
        }
        new Body(e, rows, vectors, last, false).emit();
        e.bind(done);
        e.add(Gp.RDI, a.piece == 0 ? 4 * rows : a.piece);
        e.add(Gp.RDX, rows * cRow);
        e.dec(Gp.R12);
        e.j(Condition.NE, next);
    }

    /** What this tile fetches: rbp, in steps of r9. If it is not its turn or there is nothing left, what it reads itself; where lines are copied, a jump to {@code none}. */
    private void turn(Assembler e, Label none) {
        Label found = new Label();
        e.mov(Gp.RAX, Mem.at(Gp.R8));
        e.dec(Gp.RAX);
        e.mov(Mem.at(Gp.R8), Gp.RAX);
        e.j(Condition.NE, none);
        e.mov(Gp.RAX, Mem.at(Gp.R8, 8));
        e.mov(Mem.at(Gp.R8), Gp.RAX);
        for (int i = 0; i < fetch.walks; i++) {
            int at = Fetch.FIRST + i * fetch.next();
            Label empty = new Label();
            Mem left = Mem.at(Gp.R8, at + 24);
            e.mov(Gp.RAX, left);
            e.test(Gp.RAX, Gp.RAX);
            e.j(Condition.E, empty);
            e.dec(Gp.RAX);
            e.mov(left, Gp.RAX);
            e.mov(Gp.RBP, Mem.at(Gp.R8, at));
            advance(e, at);
            e.mov(Mem.at(Gp.R8, at), Gp.RAX);
            e.mov(Gp.R9, Mem.at(Gp.R8, at + 8));
            e.mov(Gp.RAX, Mem.at(Gp.R8, at + 16));
            e.jmp(found);
            e.bind(empty);
        }
        if (fetch.copies) {
            e.jmp(none);
        } else {
            e.bind(none);
            e.mov(Gp.RBP, Gp.RDI);
            e.mov(Gp.R9, 0);
            e.mov(Gp.RAX, 0);
        }
        e.bind(found);
        e.mov(Mem.at(Gp.RSP, FETCH_ROW), Gp.RAX);
    }

    /** rax: what the turn after this one reads; and where this one writes, if it does. */
    private void advance(Assembler e, int at) {
        if (!fetch.copies) {
            e.lea(Gp.RAX, Mem.at(Gp.RBP, 64 * fetch.lines));
            return;
        }
        e.mov(Gp.RAX, Mem.at(Gp.R8, at + 40));
        e.kmov(COPY_MASK, Gp.RAX, 16);
        e.mov(Gp.RAX, Mem.at(Gp.R8, at + 48));
        e.mov(Mem.at(Gp.RSP, TO), Gp.RAX);
        e.add(Gp.RAX, Mem.at(Gp.R8, at + 64));
        e.mov(Mem.at(Gp.R8, at + 48), Gp.RAX);
        e.mov(Gp.RAX, Mem.at(Gp.R8, at + 56));
        e.mov(Mem.at(Gp.RSP, PITCH), Gp.RAX);
        e.mov(Gp.RAX, Mem.at(Gp.R8, at + 72));
        e.mov(Mem.at(Gp.RSP, AHEAD), Gp.RAX);
        e.mov(Gp.RAX, Mem.at(Gp.R8, at + 80));
        e.mov(Mem.at(Gp.RSP, AHEAD_LAST), Gp.RAX);
        e.mov(Gp.RAX, Mem.at(Gp.R8, at + 32));
        e.add(Gp.RAX, Gp.RBP);
    }

    /** One tile over all positions. */
    private final class Body {
        private final Assembler e;
        private final int rows;
        private final int vectors;
        private final LaneMask last;
        private final boolean copies;

        Body(Assembler e, int rows, int vectors, LaneMask last, boolean copies) {
            this.e = e;
            this.rows = rows;
            this.vectors = vectors;
            this.last = last;
            this.copies = copies;
        }

        private Vec sum(int i, int j) {
            return set.vec(i * vectors + j);
        }

        private Vec column(int j) {
            return set.vec(rows * vectors + j);
        }

        private Vec one(int i) {
            int first = rows * vectors + vectors;
            int free = set.registers() - first - (set == InstructionSet.AVX2 ? 1 : 0);
            return set.vec(first + i % free);
        }

        /** Of the last column of a panel there may be only a part. */
        private LaneMask lanes(int j) {
            return j == vectors - 1 ? last : LaneMask.all(e);
        }

        void emit() {
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < vectors; j++) {
                    e.prefetchw(c(i, j));
                    e.vxorps(sum(i, j), sum(i, j), sum(i, j));
                }
            }
            e.mov(Gp.RAX, Gp.RDI);
            e.mov(Gp.RBX, Gp.RSI);
            if (copies) {
                exchange();
                e.mov(Gp.R10, Gp.R15);
                e.mov(Gp.R11, Mem.at(Gp.R8, Fetch.NEAR_ROWS));
                e.sub(Gp.R10, Gp.R11);
                e.mov(Gp.RDX, Mem.at(Gp.RSP, AHEAD));
                rows();
                e.mov(Gp.R10, Mem.at(Gp.R8, Fetch.NEAR_ROWS));
                e.mov(Gp.RDX, Mem.at(Gp.RSP, AHEAD_LAST));
                rows();
                restore();
            } else {
                e.mov(Gp.R11, Mem.at(Gp.RSP, IMAGES));
                Label image = e.here();
                e.mov(Gp.R10, Gp.R15);
                rows();
                e.add(Gp.RAX, Mem.at(Gp.RSP, A_IMAGE));
                e.add(Gp.RBX, Mem.at(Gp.RSP, B_IMAGE));
                next(Gp.R11, image);
            }
            store();
        }

        /** As many rows of positions as r10 says. */
        private void rows() {
            Label row = e.here();
            e.mov(Gp.RCX, Gp.R14);
            e.align(32);
            Label column = e.here();
            position();
            next(Gp.RCX, column);
            e.add(Gp.RAX, Mem.at(Gp.RSP, A_ROW));
            e.add(Gp.RBX, Mem.at(Gp.RSP, B_ROW));
            if (copies || !fetch.copies) {
                e.add(Gp.RBP, Mem.at(Gp.RSP, FETCH_ROW));
            }
            next(Gp.R10, row);
        }

        /** From here on: rdi where to copy to, rsi the bytes from position to position there, rdx those to what the next turn reads. */
        private void exchange() {
            e.mov(Mem.at(Gp.RSP, TILE_A), Gp.RDI);
            e.mov(Mem.at(Gp.RSP, TILE_B), Gp.RSI);
            e.mov(Mem.at(Gp.RSP, TILE_C), Gp.RDX);
            e.mov(Gp.RDI, Mem.at(Gp.RSP, TO));
            e.mov(Gp.RSI, Mem.at(Gp.RSP, PITCH));
        }

        private void restore() {
            e.mov(Gp.RDI, Mem.at(Gp.RSP, TILE_A));
            e.mov(Gp.RSI, Mem.at(Gp.RSP, TILE_B));
            e.mov(Gp.RDX, Mem.at(Gp.RSP, TILE_C));
        }

        private void next(Gp counter, Label again) {
            e.dec(counter);
            e.j(Condition.NE, again);
        }

        private void position() {
            for (int j = 0; j < vectors; j++) {
                lanes(j).load(column(j), Mem.at(Gp.RBX, j * b.vector));
            }
            if (copies) {
                // The end of a piece is written as a whole vector: what is too much of it, the next position overwrites.
                e.prefetcht1(Mem.at(Gp.RBP, Gp.RDX, 1, 4 * (tile.rows - 1)));
                e.vmovups(one(0).zeroed(COPY_MASK), Mem.at(Gp.RBP));
                e.vmovups(Mem.at(Gp.RDI), one(0));
                e.add(Gp.RDI, Gp.RSI);
            }
            for (int line = 0; line < fetch.lines && !fetch.copies; line++) {
                e.prefetcht1(Mem.at(Gp.RBP, 64 * line));
            }
            for (int i = 0; i < rows; i++) {
                e.vbroadcastss(one(i), Mem.at(Gp.RAX, 4 * i));
                for (int j = 0; j < vectors; j++) {
                    e.vfmadd231ps(sum(i, j), one(i), column(j));
                }
            }
            if (copies || !fetch.copies) {
                e.add(Gp.RBP, Gp.R9);
            }
            e.add(Gp.RAX, a.column);
            e.add(Gp.RBX, b.column);
        }

        private Mem c(int i, int j) {
            return Mem.at(Gp.RDX, i * cRow + j * set.bytes());
        }

        private void store() {
            Label overwrite = new Label();
            e.mov(Gp.RAX, Mem.at(Gp.RSP, ADD));
            e.test(Gp.RAX, Gp.RAX);
            e.j(Condition.E, overwrite);
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < vectors; j++) {
                    lanes(j).load(one(0), c(i, j));
                    e.vaddps(sum(i, j), sum(i, j), one(0));
                }
            }
            e.bind(overwrite);
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < vectors; j++) {
                    lanes(j).store(c(i, j), sum(i, j));
                }
            }
        }
    }
}
