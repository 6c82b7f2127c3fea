package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows of a depthwise or grouped convolution, or of its backward of data, with as many output as input channels: a result's vector of channels is a sum over taps, and over the
 * channels of a group, of an input vector (depthwise: as it lies; else one channel of each group spread over the group) times a vector of weights. A tile of neighbouring result
 * pixels is kept in registers, so that weights are read once per tile; taps that fall outside of the image on the left or right are not computed, since borders have code of their
 * own, and rows outside of it are not in the table of rows.
 *
 * <p>Arguments: the address of {@link #PARAMETERS}, image to read, image to write, residual image or slots of {@link ChannelStatistics}, first row of the result, and the row after
 * the last.
 *
 * @param set instruction set
 * @param columns taps along a row
 * @param rows taps along a column, at most; for which rows they are is in the table
 * @param channels of the images
 * @param group channels of a group
 * @param epilogue done to sums before they are stored
 * @param tile result pixels in registers
 * @param together vectors of one group that share what is read; 1 unless groups are of several vectors
 * @param block vectors of channels after which the next rows are gone through with the same weights; a multiple of {@code together}
 * @param ahead rows that are prefetched per row of the result
 * @param stream whether results bypass the caches: they have to lie on cache lines
 */
record GroupedKernel(InstructionSet set, TapMap columns, int rows, int channels, int group, Epilogue epilogue, int tile, int together, int block, int ahead, boolean stream)
        implements Kernel.Spec {
    /**
     * Longs in memory: addresses of packed weights, scale, shift, and of three tables. Rows: per row of the result the number of its taps, the byte offset of the row behind the
     * last it reads, and for each of {@link #rows} the byte offset of the row to read in its image, and of the tap's weights. Spread: for each channel of a group the elements that
     * {@code vpermps} takes. Vectors: byte offset of the group of a vector.
     */
    static final int PARAMETERS = 6;

    private static final int END = 0;
    private static final int RESIDUAL = 8;
    private static final int FIRST = 16;
    private static final int ROW = 24;
    private static final int COUNT = 32;
    private static final int BLOCK = 40;
    private static final int BLOCK_END = 48;
    private static final int BLOCK_WEIGHTS = 56;
    private static final int BEGUN = 64;
    private static final int FRAME = 80;

    /** How an input vector is made. */
    enum Fetch {
        /** Depthwise: as it lies. */
        PLAIN,
        /** A group is a part of a vector: one channel of each is spread over its group. */
        SPREAD,
        /** A group is a vector or several: one channel for all elements. */
        BROADCAST;

        static Fetch of(int group, InstructionSet set) {
            return group == 1 ? PLAIN : group < set.lanes() ? SPREAD : BROADCAST;
        }
    }

    Fetch fetch() {
        return Fetch.of(group, set);
    }

    /** Vectors of channels, the last of which may be a part of one. */
    int vectors() {
        return set.vectors(channels);
    }

    /** Longs of a row in the table of rows. */
    static int rowWords(int taps) {
        return 2 + 2 * taps;
    }

    /** Bytes of packed weights: [vector / together][row tap][channel of the group][vector % together][column tap][element]. */
    long packedBytes() {
        return (long) vectors() * vectorWeights();
    }

    /** Bytes of the weights of a row tap of {@code together} vectors. */
    int rowWeights() {
        return group * together * columns.taps() * set.bytes();
    }

    private int vectorWeights() {
        return rows * group * columns.taps() * set.bytes();
    }

    private int tailChannels() {
        return channels % set.lanes();
    }

    private int pixelBytes() {
        return 4 * channels;
    }

    @Override
    public void emit(Assembler a) {
        a.enter(FRAME);
        a.mov(Mem.at(Gp.RSP, END), Gp.R9);
        a.mov(Mem.at(Gp.RSP, RESIDUAL), Gp.RCX);
        a.mov(Mem.at(Gp.RSP, FIRST), Gp.R8);
        if (tailChannels() > 0) {
            LaneMask.prepare(a, set, tailChannels());
        }
        if (block < vectors()) {
            blocks(a);
        } else {
            rowLoop(a);
        }
        if (stream) {
            a.sfence();
        }
        a.leave(FRAME);
    }

    private void blocks(Assembler a) {
        a.xor(Gp.R14, Gp.R14);
        a.mov(Gp.R15, Mem.at(Gp.RDI));
        Label next = a.here();
        a.mov(Mem.at(Gp.RSP, BLOCK), Gp.R14);
        a.mov(Mem.at(Gp.RSP, BLOCK_WEIGHTS), Gp.R15);
        a.add(Gp.R14, block * set.bytes());
        a.mov(Gp.RAX, pixelBytes());
        Label whole = new Label();
        a.cmp(Gp.R14, Gp.RAX);
        a.j(Condition.BE, whole);
        a.mov(Gp.R14, Gp.RAX);
        a.bind(whole);
        a.mov(Mem.at(Gp.RSP, BLOCK_END), Gp.R14);
        rowLoop(a);
        a.mov(Gp.R14, Mem.at(Gp.RSP, BLOCK_END));
        a.mov(Gp.R15, Mem.at(Gp.RSP, BLOCK_WEIGHTS));
        a.add(Gp.R15, block * vectorWeights());
        a.cmp(Gp.R14, pixelBytes());
        a.j(Condition.B, next);
    }

    /** rbp: the row in the table; r12: bytes from the row read to the tile's base; r13: bytes from the image written to the tile. */
    private void rowLoop(Assembler a) {
        List<ColumnTiles.Run> runs = ColumnTiles.of(columns, tile);
        a.mov(Gp.R8, Mem.at(Gp.RSP, FIRST));
        a.imul(Gp.R13, Gp.R8, columns.out() * pixelBytes());
        if (epilogue.sums() == Epilogue.Sums.MOMENTS) {
            a.xor(Gp.RAX, Gp.RAX);
            a.mov(Mem.at(Gp.RSP, BEGUN), Gp.RAX);
        }
        Label row = a.here();
        a.mov(Mem.at(Gp.RSP, ROW), Gp.R8);
        a.imul(Gp.RBP, Gp.R8, 8 * rowWords(rows));
        a.add(Gp.RBP, Mem.at(Gp.RDI, 24));
        for (ColumnTiles.Run run : runs) {
            a.mov(Gp.R12, (long) run.base() * pixelBytes());
            if (run.count() > 1) {
                a.mov(Gp.RAX, run.count());
                a.mov(Mem.at(Gp.RSP, COUNT), Gp.RAX);
            }
            Label next = a.here();
            vectorLoop(a, run);
            a.add(Gp.R13, run.width() * pixelBytes());
            if (run.count() > 1) {
                a.add(Gp.R12, run.step() * pixelBytes());
                a.mov(Gp.RAX, Mem.at(Gp.RSP, COUNT));
                a.dec(Gp.RAX);
                a.mov(Mem.at(Gp.RSP, COUNT), Gp.RAX);
                a.test(Gp.RAX, Gp.RAX);
                a.j(Condition.NE, next);
            }
        }
        a.mov(Gp.R8, Mem.at(Gp.RSP, ROW));
        a.inc(Gp.R8);
        a.cmp(Gp.R8, Mem.at(Gp.RSP, END));
        a.j(Condition.L, row);
    }

    /** r14: bytes from a pixel to the vector; r15: the vector's weights. */
    private void vectorLoop(Assembler a, ColumnTiles.Run run) {
        boolean blocks = block < vectors();
        int whole = channels / set.lanes() * set.bytes();
        if (blocks) {
            a.mov(Gp.R14, Mem.at(Gp.RSP, BLOCK));
            a.mov(Gp.R15, Mem.at(Gp.RSP, BLOCK_WEIGHTS));
        } else {
            a.xor(Gp.R14, Gp.R14);
            a.mov(Gp.R15, Mem.at(Gp.RDI));
        }
        if (whole > 0) {
            a.align(32);
            Label vector = a.here();
            new Tile(this, a, run, false).emit();
            a.add(Gp.R14, together * set.bytes());
            a.add(Gp.R15, together * vectorWeights());
            if (blocks) {
                a.cmp(Gp.R14, Mem.at(Gp.RSP, BLOCK_END));
            } else {
                a.cmp(Gp.R14, whole);
            }
            a.j(Condition.B, vector);
        }
        if (tailChannels() > 0) {
            new Tile(this, a, run, true).emit();
        }
        if (epilogue.sums() == Epilogue.Sums.MOMENTS) {
            a.mov(Gp.RAX, 1);
            a.mov(Mem.at(Gp.RSP, BEGUN), Gp.RAX);
        }
    }

    /** The code of a tile of one vector, or of {@code together} of them. */
    private static final class Tile {
        private final GroupedKernel k;
        private final Assembler a;
        private final ColumnTiles.Run run;
        private final boolean masked;
        private final InstructionSet set;
        private final int sums;
        private final int kept;
        private final Vec temporary;
        private final Vec spread;
        private final Vec mask;
        private LaneMask lanes;
        /** Lines of each row ahead that are asked for in each tap, and before the sums are stored. */
        private int share;

        Tile(GroupedKernel k, Assembler a, ColumnTiles.Run run, boolean masked) {
            this.k = k;
            this.a = a;
            this.run = run;
            this.masked = masked;
            set = k.set;
            sums = run.width() * k.together;
            int top = set.registers();
            mask = masked && set == InstructionSet.AVX2 ? set.vec(--top) : null;
            temporary = set.vec(--top);
            spread = k.fetch() == Fetch.SPREAD ? set.vec(--top) : null;
            kept = Math.min(k.together * k.columns.taps(), top - sums);
        }

        private Vec sum(int vector, int column) {
            return set.vec(vector * run.width() + column);
        }

        /** rbx: bytes from the row read to the pixel of the tile's base, at the vector or its group; r10, r11: what is left of the row's taps; rcx: what is asked for next. */
        void emit() {
            for (int i = 0; i < sums; i++) {
                a.vxorps(set.vec(i), set.vec(i), set.vec(i));
            }
            lanes = masked ? LaneMask.prepared(a, set, k.tailChannels(), mask) : LaneMask.all(a);
            Label done = new Label();
            a.mov(Gp.R11, Mem.at(Gp.RBP));
            a.test(Gp.R11, Gp.R11);
            a.j(Condition.E, done);
            a.lea(Gp.R10, Mem.at(Gp.RBP, 16));
            if (k.fetch() == Fetch.BROADCAST) {
                a.mov(Gp.RBX, Gp.R14);
                a.shr(Gp.RBX, Integer.numberOfTrailingZeros(set.bytes() / 8));
                a.add(Gp.RBX, Mem.at(Gp.RDI, 40));
                a.mov(Gp.RBX, Mem.at(Gp.RBX));
                a.add(Gp.RBX, Gp.R12);
            } else {
                a.lea(Gp.RBX, Mem.at(Gp.R12, Gp.R14, 1, 0));
            }
            a.add(Gp.RBX, Gp.RSI);
            prefetch();
            Label tap = a.here();
            a.mov(Gp.RAX, Mem.at(Gp.R10));
            a.add(Gp.RAX, Gp.RBX);
            a.mov(Gp.R9, Mem.at(Gp.R10, 8));
            a.add(Gp.R9, Gp.R15);
            rowTap();
            a.add(Gp.R10, 16);
            a.dec(Gp.R11);
            a.j(Condition.NE, tap);
            prefetch(0, share);
            a.bind(done);
            epilogue();
        }

        /**
         * Has the rows that the next row of the result reads first brought into the second-level cache: the processor does not see this coming, since lines of a pixel are apart.
         * Where a depthwise kernel asks for several rows, each vector of a tile asks for its share of them as they lie in memory, which is faster than for its own channels, a few
         * lines at a time between its sums, since a burst of them would hold up what comes behind. For one row, or for a block of vectors, for which the others are not there, it
         * asks for its own all at once.
         */
        private void prefetch() {
            if (k.ahead == 0) {
                return;
            }
            int end = run.count() > 1 ? run.step() : Integer.MAX_VALUE;
            int[] own = run.reads().stream().mapToInt(ColumnTiles.Read::offset).filter(offset -> offset < end).toArray();
            a.mov(Gp.RCX, Mem.at(Gp.RBP, 8));
            if (k.fetch() == Fetch.PLAIN && k.block == k.vectors() && k.ahead > 1 && own.length > 0) {
                a.imul(Gp.RAX, Gp.R14, own.length);
                a.add(Gp.RCX, Gp.RAX);
                a.add(Gp.RCX, Gp.RSI);
                a.add(Gp.RCX, Gp.R12);
                a.add(Gp.RCX, own[0] * k.pixelBytes());
                share = Math.ceilDiv(own.length, k.rows + 1);
                return;
            }
            a.add(Gp.RCX, Gp.RBX);
            for (int row = 0; row < k.ahead; row++) {
                for (int offset : own) {
                    a.prefetcht1(Mem.at(Gp.RCX, (row * k.columns.in() + offset) * k.pixelBytes()));
                }
            }
        }

        /** Asks for the lines of a share from one to before another of each row ahead. */
        private void prefetch(int from, int to) {
            for (int i = from; i < to; i++) {
                for (int row = 0; row < k.ahead; row++) {
                    a.prefetcht1(Mem.at(Gp.RCX, row * k.columns.in() * k.pixelBytes() + i * set.bytes()));
                }
            }
        }

        /** All channels of the group for one row tap. rax: input; r9: weights; r8, rcx: loop. */
        private void rowTap() {
            int weights = k.together * k.columns.taps() * set.bytes();
            switch (k.fetch()) {
                case PLAIN -> {
                    columns(0, 0);
                    if (share > 0) {
                        a.add(Gp.RCX, share * set.bytes());
                    }
                }
                case SPREAD -> {
                    if (k.group == 4) {
                        for (int c = 0; c < 4; c++) {
                            columns(c * weights, 0x55 * c);
                        }
                        return;
                    }
                    a.mov(Gp.R8, k.group);
                    a.mov(Gp.RCX, Mem.at(Gp.RDI, 32));
                    Label channel = a.here();
                    a.vmovups(spread, Mem.at(Gp.RCX));
                    columns(0, 0);
                    a.add(Gp.RCX, set.bytes());
                    a.add(Gp.R9, weights);
                    a.dec(Gp.R8);
                    a.j(Condition.NE, channel);
                }
                case BROADCAST -> {
                    a.mov(Gp.R8, k.group);
                    Label channel = a.here();
                    columns(0, 0);
                    a.add(Gp.RAX, 4);
                    a.add(Gp.R9, weights);
                    a.dec(Gp.R8);
                    a.j(Condition.NE, channel);
                }
            }
        }

        /** One channel of the group: all columns that the tile reads. @param at byte offset of the weights */
        private void columns(int at, int immediate) {
            for (int i = 0; i < kept; i++) {
                a.vmovups(set.vec(sums + i), Mem.at(Gp.R9, at + i * set.bytes()));
            }
            int all = run.reads().size();
            for (int i = 0; i < all; i++) {
                ColumnTiles.Read read = run.reads().get(i);
                prefetch(share * i / all, share * (i + 1) / all);
                Mem pixel = Mem.at(Gp.RAX, read.offset() * k.pixelBytes());
                boolean direct = k.fetch() == Fetch.PLAIN && !masked && read.uses().size() == 1 && read.uses().getFirst().tap() < kept;
                if (!direct) {
                    read(pixel, immediate);
                }
                for (ColumnTiles.Use use : read.uses()) {
                    for (int v = 0; v < k.together; v++) {
                        int w = v * k.columns.taps() + use.tap();
                        Vec to = sum(v, use.column());
                        if (direct) {
                            a.vfmadd231ps(to, set.vec(sums + w), pixel);
                        } else {
                            a.vfmadd231ps(to, temporary, w < kept ? set.vec(sums + w) : Mem.at(Gp.R9, at + w * set.bytes()));
                        }
                    }
                }
            }
        }

        private void read(Mem pixel, int immediate) {
            Operand source = pixel;
            if (masked && k.fetch() != Fetch.BROADCAST) {
                lanes.load(temporary, pixel);
                source = temporary;
            }
            switch (k.fetch()) {
                case PLAIN -> {
                    if (!masked) {
                        a.vmovups(temporary, pixel);
                    }
                }
                case SPREAD -> {
                    if (k.group == 4) {
                        a.vpermilps(temporary, source, immediate);
                    } else {
                        a.vpermps(temporary, spread, source);
                    }
                }
                case BROADCAST -> a.vbroadcastss(temporary, pixel);
            }
        }

        private void store(Mem to, Vec from) {
            if (k.stream && !masked) {
                a.vmovntps(to, from);
            } else {
                lanes.store(to, from);
            }
        }

        /** rax: bytes from the image written to the vector of the tile's first pixel. */
        private void epilogue() {
            Epilogue e = k.epilogue;
            int free = sums;
            a.lea(Gp.RAX, Mem.at(Gp.R13, Gp.R14, 1, 0));
            if (e.residual()) {
                a.mov(Gp.RCX, Mem.at(Gp.RSP, RESIDUAL));
            }
            a.mov(Gp.R8, Mem.at(Gp.RDI, 8));
            a.mov(Gp.R9, Mem.at(Gp.RDI, 16));
            Vec scale = set.vec(free++);
            Vec shift = set.vec(free++);
            Vec[] temporaries = IntStream.range(free, set.registers() - (mask == null ? 0 : 1)).mapToObj(set::vec).toArray(Vec[]::new);
            ChannelCode channels = new ChannelCode(a, set, e);
            if (e.sums() == Epilogue.Sums.MOMENTS) {
                statistics();
            }
            for (int v = 0; v < k.together; v++) {
                if (e.scale()) {
                    lanes.load(scale, Mem.at(Gp.R8, Gp.R14, 1, v * set.bytes()));
                }
                if (e.shift()) {
                    lanes.load(shift, Mem.at(Gp.R9, Gp.R14, 1, v * set.bytes()));
                }
                channels.prepare(scale, shift);
                for (int p = 0; p < run.width(); p++) {
                    int at = p * k.pixelBytes() + v * set.bytes();
                    channels.apply(sum(v, p), scale, shift);
                    if (e.residual()) {
                        lanes.load(set.vec(free), Mem.at(Gp.RCX, Gp.RAX, 1, at));
                        a.vaddps(sum(v, p), sum(v, p), set.vec(free));
                    }
                }
                int vector = v;
                Vec[] results = IntStream.range(0, run.width()).mapToObj(p -> sum(vector, p)).toArray(Vec[]::new);
                channels.activate(results, temporaries);
                for (int p = 0; p < results.length; p++) {
                    store(Mem.at(Gp.RDX, Gp.RAX, 1, p * k.pixelBytes() + v * set.bytes()), results[p]);
                }
            }
        }

        private void statistics() {
            a.mov(Gp.R8, Mem.at(Gp.RSP, RESIDUAL));
            a.lea(Gp.R8, Mem.at(Gp.R8, Gp.R14, 2, 0));
            a.add(Gp.R8, Gp.R14);
            new StatisticsCode(a, set, n -> set.vec(sums + n)).add(run.width(), k.together, (p, v) -> sum(v, p), Gp.R8, Mem.at(Gp.RSP, BEGUN), false);
        }
    }
}
