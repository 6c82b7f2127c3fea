package dev.jacquard.cpu.x64;

/**
 * The products in the middle of a Winograd convolution: at each point, a matrix of tiles by channels times one of channels by output channels. Arguments: rdi, transformed tiles;
 * rsi, transformed weights; rdx, products; rcx and r8, memory that later stages will touch, and r9, how many bytes of each: it is brought into the second-level cache meanwhile,
 * since transforms would have nothing to do while they wait.
 *
 * <p>Weights lie [point][panel][channel][{@code vectors} vectors]. A tile of the product is {@link #ROWS} rows by a panel: with four vectors of AVX-512 24 sums, four weights and
 * one broadcast number in 29 registers, ten loads per 24 multiply-adds. Sums are cut into blocks of {@link #BLOCK} channels, which are then added up: output transforms enlarge
 * rounding errors, and blocks of random-walk errors keep that inside the tolerance of a plain sum.
 *
 * @param set instruction set
 * @param points how many products
 * @param tiles rows
 * @param depth channels
 * @param tilePoint bytes from a point of the tiles to the next
 * @param tileRow bytes from a tile to the next
 * @param panels how many
 * @param vectors of a panel
 * @param productPoint bytes from a point of the products to the next
 * @param productRow bytes from a product's row to the next
 */
record WinogradProduct(InstructionSet set, int points, int tiles, int depth, int tilePoint, int tileRow, int panels, int vectors, int productPoint, int productRow)
        implements Kernel.Spec {
    /** Rows of a tile of the product at most. */
    private static final int ROWS = 6;

    /** Channels that are summed up in one go at most. */
    static final int BLOCK = 32;

    private static final int UNROLL = 4;

    private static final int LINE = 64;

    /** Bytes of the stack: where the first of the two pieces of memory to prefetch ends. */
    private static final int FRAME = 16;

    @Override
    public void emit(Assembler a) {
        a.enter(FRAME);
        a.mov(Gp.R14, Gp.RCX);
        a.mov(Gp.R15, Gp.R8);
        a.sub(Gp.R15, Gp.RCX);
        a.add(Gp.R9, Gp.RCX);
        a.mov(Mem.at(Gp.RSP), Gp.R9);
        a.mov(Gp.RCX, points);
        Label point = a.here();
        a.mov(Gp.R13, Gp.RDX);
        a.mov(Gp.R8, panels);
        Label panel = a.here();
        a.mov(Gp.R9, Gp.RDI);
        a.mov(Gp.R10, Gp.R13);
        int groups = Math.ceilDiv(tiles, ROWS);
        rows(a, tiles / groups + 1, tiles % groups);
        rows(a, tiles / groups, groups - tiles % groups);
        a.add(Gp.RSI, depth * panelBytes());
        a.add(Gp.R13, panelBytes());
        a.dec(Gp.R8);
        a.j(Condition.NE, panel);
        a.add(Gp.RDI, tilePoint);
        a.add(Gp.RDX, productPoint);
        a.dec(Gp.RCX);
        a.j(Condition.NE, point);
        a.leave(FRAME);
    }

    private int panelBytes() {
        return vectors * set.bytes();
    }

    /** Tiles of some rows, several of them below each other. */
    private void rows(Assembler a, int rows, int count) {
        if (count == 0) {
            return;
        }
        a.mov(Gp.R11, count);
        Label tile = a.here();
        a.mov(Gp.RBX, Gp.R9);
        a.mov(Gp.RBP, Gp.RSI);
        int length = Pieces.even(depth, BLOCK);
        int whole = depth / length - 1;
        block(a, rows, length, false);
        if (whole > 0) {
            a.mov(Gp.R12, whole);
            Label next = a.here();
            block(a, rows, length, true);
            a.dec(Gp.R12);
            a.j(Condition.NE, next);
        }
        if (depth % length > 0) {
            block(a, rows, depth % length, true);
        }
        a.add(Gp.R9, rows * tileRow);
        a.add(Gp.R10, rows * productRow);
        a.dec(Gp.R11);
        a.j(Condition.NE, tile);
    }

    /** A sum over a block of channels, put or added to the products. */
    private void block(Assembler a, int rows, int length, boolean add) {
        VectorPool pool = new VectorPool(set);
        Vec[] weights = pool.take(vectors);
        Vec one = pool.take();
        Vec[] sums = pool.take(rows * vectors);
        for (Vec s : sums) {
            a.vxorps(s, s, s);
        }
        if (length >= UNROLL) {
            a.mov(Gp.RAX, length / UNROLL);
            a.align(32);
            Label step = a.here();
            steps(a, UNROLL, weights, one, sums);
            prefetch(a);
            a.dec(Gp.RAX);
            a.j(Condition.NE, step);
        }
        if (length % UNROLL > 0) {
            steps(a, length % UNROLL, weights, one, sums);
        }
        for (int i = 0; i < sums.length; i++) {
            Mem to = Mem.at(Gp.R10, i / vectors * productRow + i % vectors * set.bytes());
            if (add) {
                a.vaddps(sums[i], sums[i], to);
            }
            a.vmovups(to, sums[i]);
        }
    }

    /** A line of each of the two pieces, until they end. */
    private static void prefetch(Assembler a) {
        Label done = new Label();
        a.cmp(Gp.R14, Mem.at(Gp.RSP));
        a.j(Condition.AE, done);
        a.prefetcht1(Mem.at(Gp.R14));
        a.prefetcht1(Mem.at(Gp.R14, Gp.R15, 1, 0));
        a.add(Gp.R14, LINE);
        a.bind(done);
    }

    private void steps(Assembler a, int count, Vec[] weights, Vec one, Vec[] sums) {
        for (int k = 0; k < count; k++) {
            for (int j = 0; j < vectors; j++) {
                a.vmovups(weights[j], Mem.at(Gp.RBP, k * panelBytes() + j * set.bytes()));
            }
            for (int i = 0; i < sums.length / vectors; i++) {
                a.vbroadcastss(one, Mem.at(Gp.RBX, i * tileRow + k * Float.BYTES));
                for (int j = 0; j < vectors; j++) {
                    a.vfmadd231ps(sums[i * vectors + j], one, weights[j]);
                }
            }
        }
        a.add(Gp.RBX, count * Float.BYTES);
        a.add(Gp.RBP, count * panelBytes());
    }
}
