package dev.jacquard.cpu.x64;


/** Writes {@link ByteTiles}. */
final class ByteTileEmitter {
    private static final int FRAME = 192;
    private static final Mem HEADER = Mem.at(Gp.RSP, 0);
    private static final Mem CURSOR = Mem.at(Gp.RSP, 8);
    private static final Mem OUT = Mem.at(Gp.RSP, 16);
    private static final Mem RESIDUAL = Mem.at(Gp.RSP, 24);
    private static final Mem LARGE = Mem.at(Gp.RSP, 32);
    private static final Mem SMALL = Mem.at(Gp.RSP, 40);
    private static final Mem PANELS = Mem.at(Gp.RSP, 48);
    private static final Mem LAST = Mem.at(Gp.RSP, 56);
    private static final Mem TILES = Mem.at(Gp.RSP, 64);
    private static final Mem SCALES = Mem.at(Gp.RSP, 72);

    /** Where bytes lie for a moment that are fewer than a vector. */
    private static final Mem SCRATCH = Mem.at(Gp.RSP, 128);

    private static final Gp[] ROWS = {Gp.RAX, Gp.RBX, Gp.RBP, Gp.R10, Gp.R11, Gp.R12};
    private static final Gp OFFSET = Gp.R13;
    private static final Gp WEIGHTS = Gp.R14;
    private static final Gp STEPS = Gp.R15;
    private static final Gp OUTER = Gp.R9;
    private static final Gp INNER = Gp.R8;
    private static final int BYTES_MASK = 1;
    private static final int LANES_MASK = 3;
    private static final int UNROLL = 4;

    private final Assembler a;
    private final ByteTiles t;
    private final InstructionSet set;
    private final boolean wide;

    ByteTileEmitter(Assembler a, ByteTiles t) {
        this.a = a;
        this.t = t;
        this.set = t.dot().set();
        this.wide = set == InstructionSet.AVX512;
    }

    void emit() {
        a.enter(FRAME);
        a.mov(HEADER, Gp.R8);
        count(LARGE, 0, 0xffff);
        count(SMALL, 16, 0xffff);
        count(PANELS, 32, 0x7fff);
        count(LAST, 47, 1);
        count(SCALES, 48, 0xffff);
        a.mov(Gp.RAX, SCALES);
        a.imul(Gp.RAX, Gp.RAX, scaleBytes());
        a.add(Gp.RAX, Mem.at(Gp.R8, ByteHeader.SCALES));
        a.mov(SCALES, Gp.RAX);
        if (t.flip()) {
            a.vmovdqu(flip(), Mem.at(Gp.R8, ByteHeader.FLIP));
        } else if (scattered()) {
            for (int d = 0; d < t.run(); d++) {
                a.vmovdqu(indices(d), Mem.at(Gp.R8, ByteHeader.GROUPS + d * 64));
            }
        }
        Label last = new Label();
        Label end = new Label();
        a.mov(Gp.RAX, PANELS);
        a.test(Gp.RAX, Gp.RAX);
        a.j(Condition.E, last);
        Label panel = a.here();
        panel(t.vectors(), t.vectors() * t.dot().lanes());
        int channels = t.vectors() * t.dot().lanes();
        a.add(Gp.RSI, (int) t.panelBytes(t.vectors()));
        a.add(Gp.RDX, channels * t.epilogue().size());
        a.add(Gp.RCX, channels);
        if (t.group() > 0) {
            a.add(Gp.RDI, channels);
        }
        a.mov(Gp.RAX, SCALES);
        a.add(Gp.RAX, scaleBytes());
        a.mov(SCALES, Gp.RAX);
        countDown(PANELS, panel);
        a.bind(last);
        a.mov(Gp.RAX, LAST);
        a.test(Gp.RAX, Gp.RAX);
        a.j(Condition.E, end);
        panel(t.tailVectors(), t.tail());
        a.bind(end);
        a.leave(FRAME);
    }

    /** Bytes of a panel's scales and shifts. */
    private int scaleBytes() {
        return 2 * 4 * t.vectors() * t.dot().lanes();
    }

    /** Whether a vector of channels is of several groups, whose inputs are scattered to its lanes. */
    private boolean scattered() {
        return t.group() > 0 && t.group() < t.dot().lanes();
    }

    /** Which input dwords the lanes of a vector of several groups take in step d of a run. */
    private Vec indices(int d) {
        return set.vec(set.registers() - 1 - d);
    }

    private Vec flip() {
        return set.vec(set.registers() - 1);
    }

    /** A field of the counts, in r9. */
    private void count(Mem to, int shift, int mask) {
        a.mov(Gp.RAX, Gp.R9);
        if (shift > 0) {
            a.shr(Gp.RAX, shift);
        }
        a.and(Gp.RAX, mask);
        a.mov(to, Gp.RAX);
    }

    private void countDown(Mem counter, Label to) {
        a.mov(Gp.RAX, counter);
        a.dec(Gp.RAX);
        a.mov(counter, Gp.RAX);
        a.j(Condition.NE, to);
    }

    private void panel(int vectors, int channels) {
        if (wide) {
            int last = channels - (vectors - 1) * t.dot().lanes();
            a.mov(Gp.RAX, channels == 64 ? -1L : (1L << channels) - 1);
            a.kmov(BYTES_MASK, Gp.RAX, 64);
            a.mov(Gp.RAX, (1L << last) - 1);
            a.kmov(LANES_MASK, Gp.RAX, 16);
        }
        a.mov(OUT, Gp.RDX);
        a.mov(RESIDUAL, Gp.RCX);
        a.mov(Gp.RAX, HEADER);
        a.add(Gp.RAX, ByteHeader.PIXELS);
        a.mov(CURSOR, Gp.RAX);
        if (t.small() < t.dot().rows()) {
            tiles(LARGE, t.small() + 1, vectors, channels);
        }
        tiles(SMALL, t.small(), vectors, channels);
        a.mov(Gp.RDX, OUT);
        a.mov(Gp.RCX, RESIDUAL);
    }

    private void tiles(Mem count, int rows, int vectors, int channels) {
        Label none = new Label();
        a.mov(Gp.RAX, count);
        a.test(Gp.RAX, Gp.RAX);
        a.j(Condition.E, none);
        a.mov(TILES, Gp.RAX);
        Label tile = a.here();
        sums(rows, vectors);
        new ByteEpilogueEmitter(a, set, t.epilogue(), t.pitch(), t.vectors() * t.dot().lanes(), rows, vectors, channels,
                t.dot().rows() * t.dot().vectors(), true).emit(HEADER, SCALES, SCRATCH);
        a.add(Gp.RDX, rows * t.pitch() * t.epilogue().size());
        a.add(Gp.RCX, rows * t.pitch());
        countDown(TILES, tile);
        a.bind(none);
    }

    /** The sums of a tile, one vector of channels in each of the first registers, row by row. */
    private void sums(int rows, int vectors) {
        a.mov(INNER, CURSOR);
        for (int i = 0; i < rows; i++) {
            a.movsxd(ROWS[i], Mem.at(INNER, 4 * i));
            a.add(ROWS[i], Gp.RDI);
        }
        a.add(INNER, 4 * rows);
        a.mov(CURSOR, INNER);
        start(rows, vectors);
        a.lea(WEIGHTS, Mem.at(Gp.RSI, vectors * set.bytes()));
        a.xor(OFFSET, OFFSET);
        Label outer = null;
        Label inner = null;
        if (t.outer() > 1) {
            a.mov(OUTER, t.outer());
            outer = a.here();
        }
        if (t.inner() > 1) {
            a.mov(INNER, t.inner());
            inner = a.here();
        }
        run(rows, vectors);
        if (t.inner() > 1) {
            a.add(OFFSET, t.innerStep() - 4 * t.run());
            a.dec(INNER);
            a.j(Condition.NE, inner);
        }
        if (t.outer() > 1) {
            int done = t.inner() > 1 ? t.inner() * t.innerStep() : 4 * t.run();
            a.add(OFFSET, t.outerStep() - done);
            a.dec(OUTER);
            a.j(Condition.NE, outer);
        }
        if (t.dot() == ByteDot.WORDS) {
            joinHalves(rows, vectors);
        }
    }

    /** Sums start at the corrections. */
    private void start(int rows, int vectors) {
        if (t.dot() == ByteDot.WORDS) {
            for (int i = 0; i < 2 * rows * vectors; i++) {
                a.vpxor(set.vec(i), set.vec(i), set.vec(i));
            }
            return;
        }
        for (int j = 0; j < vectors; j++) {
            a.vmovdqu(set.vec(j), Mem.at(Gp.RSI, j * set.bytes()));
        }
        for (int i = vectors; i < rows * vectors; i++) {
            a.vmovups(set.vec(i), set.vec(i % vectors));
        }
    }

    private void run(int rows, int vectors) {
        int unroll = t.run() <= 2 * UNROLL ? t.run() : UNROLL;
        int rounds = t.run() / unroll;
        if (rounds > 1) {
            a.mov(STEPS, rounds);
            a.align(32);
            Label round = a.here();
            steps(unroll, rows, vectors);
            a.dec(STEPS);
            a.j(Condition.NE, round);
        } else {
            steps(unroll, rows, vectors);
        }
        if (t.run() % unroll > 0) {
            steps(t.run() % unroll, rows, vectors);
        }
    }

    private void steps(int count, int rows, int vectors) {
        for (int u = 0; u < count; u++) {
            if (t.dot() == ByteDot.WORDS) {
                wordStep(u, rows, vectors);
            } else if (t.group() > 0) {
                groupStep(u, rows, vectors);
            } else {
                step(u, rows, vectors);
            }
        }
        a.add(WEIGHTS, count * vectors * set.bytes());
        a.add(OFFSET, 4 * count);
    }

    private void step(int u, int rows, int vectors) {
        int free = t.dot().rows() * t.dot().vectors();
        for (int j = 0; j < vectors; j++) {
            a.vmovdqu(set.vec(free + j), Mem.at(WEIGHTS, (u * vectors + j) * set.bytes()));
        }
        int spare = set.registers() - 1 - free - t.dot().vectors();
        for (int i = 0; i < rows; i++) {
            Vec pixel = set.vec(free + t.dot().vectors() + i % spare);
            Mem at = Mem.at(ROWS[i], OFFSET, 1, 4 * u);
            if (!t.flip()) {
                a.vpbroadcastd(pixel, at);
            } else if (wide) {
                a.vpxord(pixel, flip(), at.broadcast(true));
            } else {
                a.vpbroadcastd(pixel, at);
                a.vpxor(pixel, pixel, flip());
            }
            for (int j = 0; j < vectors; j++) {
                a.vpdpbusd(set.vec(i * vectors + j), pixel, set.vec(free + j));
            }
        }
    }

    /** Each vector of channels has inputs of its own. */
    private void groupStep(int u, int rows, int vectors) {
        int free = t.dot().rows() * t.dot().vectors();
        int lanes = t.dot().lanes();
        for (int j = 0; j < vectors; j++) {
            a.vmovdqu(set.vec(free + j), Mem.at(WEIGHTS, (u * vectors + j) * set.bytes()));
        }
        int spare = wide ? 2 : 1;
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < vectors; j++) {
                int base = j * lanes / t.group() * t.group();
                Vec pixel = set.vec(free + t.dot().vectors() + j % spare);
                if (scattered()) {
                    a.vpermd(pixel, indices(u), Mem.at(ROWS[i], OFFSET, 1, j * lanes));
                } else if (base == j * lanes) {
                    a.vpbroadcastd(pixel, Mem.at(ROWS[i], OFFSET, 1, base + 4 * u));
                } else {
                    pixel = set.vec(free + t.dot().vectors() + base / lanes % spare); // the same group as the vector before
                }
                a.vpdpbusd(set.vec(i * vectors + j), pixel, set.vec(free + j));
            }
        }
    }

    /** Sums are in two registers per vector, of four channels each: 16-bit products of bytes 0 and 1 in even lanes, of bytes 2 and 3 in odd ones. */
    private void wordStep(int u, int rows, int vectors) {
        int weights = 2 * t.dot().rows() * t.dot().vectors();
        Vec pixel = set.vec(weights + 2 * t.dot().vectors());
        Vec product = set.vec(weights + 2 * t.dot().vectors() + 1);
        for (int j = 0; j < 2 * vectors; j++) {
            a.vpmovsxbw(set.vec(weights + j), Mem.at(WEIGHTS, u * vectors * set.bytes() + j * set.bytes() / 2));
        }
        for (int i = 0; i < rows; i++) {
            a.vpbroadcastd(pixel.as(128), Mem.at(ROWS[i], OFFSET, 1, 4 * u));
            if (t.flip()) {
                a.vpxor(pixel.as(128), pixel.as(128), flip().as(128));
            }
            a.vpmovzxbw(pixel, pixel.as(128));
            for (int j = 0; j < 2 * vectors; j++) {
                Vec sum = set.vec(i * 2 * vectors + j);
                a.vpmaddwd(product, pixel, set.vec(weights + j));
                a.vpaddd(sum, sum, product);
            }
        }
    }

    private void joinHalves(int rows, int vectors) {
        for (int i = 0; i < rows * vectors; i++) {
            Vec sum = set.vec(i);
            a.vphaddd(sum, set.vec(2 * i), set.vec(2 * i + 1));
            a.vpermq(sum, sum, 0xd8);
            a.vpaddd(sum, sum, Mem.at(Gp.RSI, i % vectors * set.bytes()));
        }
    }
}
