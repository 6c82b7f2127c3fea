package dev.jacquard.cpu.x64;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Backward of weight of a depthwise or grouped convolution: adds, for some rows of dy, products of x and dy to sums by tap. A pass has the sums of one vector of output channels,
 * one row tap and some channels of the group in registers; each vector of x is read once per pass and multiplied with the vectors of dy that reached it, which are in registers, a
 * tile of them. Sums lie as {@link GroupedKernel} reads weights: [vector][row tap][channel of the group][column tap][element].
 *
 * <p>With {@code copied}, the channels that a vector needs are first copied to where pixels follow one another: neighbours that are a power of two apart would share few lines of
 * the first-level cache. What is to be copied next, the next vector's channels or those of the next rows, is fetched meanwhile, a few pixels with each tile: no prefetcher of the
 * hardware sees a stream in one line per pixel.
 *
 * <p>Arguments: the address of {@link #PARAMETERS}, image x, image dy, sums, first row of dy and the row after the last in the upper half, first vector and the one after the last
 * in the upper half.
 *
 * @param set instruction set
 * @param columns taps along a row, from dy's columns to x's
 * @param rows taps along a column
 * @param strideRows rows of x from one row of dy to the next
 * @param dilationRows rows of x from one row tap to the next
 * @param dyRows rows of dy
 * @param channels of the images
 * @param group channels of a group
 * @param tile pixels of dy in registers
 * @param together channels of a group of a pass; divides {@code group}
 * @param copied whether operands are copied first; x then begins at the first row that is needed
 * @param ahead rows of dy after which the next ones are read, which are prefetched; 0 for none, or if copied
 * @param copies of the sums, taken in turn, so that additions need not wait for one another
 */
record GroupedWeightKernel(InstructionSet set, TapMap columns, int rows, int strideRows, int dilationRows, int dyRows, int channels, int group, int tile, int together,
        boolean copied, int ahead, int copies) implements Kernel.Spec {
    /**
     * Longs in memory: addresses of three tables; if copied, addresses of copies of x and dy, where their image's first row would lie in these, their pixels, and x and dy of the
     * next call. Rows: for each row tap and row of dy, the byte offset of x's row in its image, or in the copy of it; -1 if the tap falls outside. Spread and vectors as in
     * {@link GroupedKernel}.
     */
    static final int PARAMETERS = 11;

    private static final int COPY_X = 24;
    private static final int COPY_DY = 32;
    private static final int BASE_X = 40;
    private static final int BASE_DY = 48;
    private static final int PIXELS_X = 56;
    private static final int PIXELS_DY = 64;
    private static final int NEXT_X = 72;
    private static final int NEXT_DY = 80;

    private static final int END = 0;
    private static final int FIRST = 8;
    private static final int VECTOR_END = 16;
    private static final int TAPS = 24;
    private static final int BLOCKS = 32;
    private static final int SPREAD = 40;
    private static final int FIRST_VECTOR = 48;
    private static final int FETCH_X = 56;
    private static final int FETCH_X_END = 64;
    private static final int FETCH_DY = 72;
    private static final int FETCH_DY_END = 80;
    private static final int FRAME = 96;
    private static final int LINE = 64;

    /** A row tap that prefetches nothing. */
    private static final int ANY = -1;

    private GroupedKernel.Fetch fetch() {
        return GroupedKernel.Fetch.of(group, set);
    }

    /** Whether a group is four neighbours within 128 bits, which an immediate spreads. */
    private boolean quads() {
        return group == 4 && together == 4;
    }

    int vectors() {
        return set.vectors(channels);
    }

    /** Bytes of all sums. */
    long sumBytes() {
        return (long) vectors() * rows * group * columns.taps() * set.bytes();
    }

    /** Bytes from pixel to pixel of x, as passes read it. */
    int stepX() {
        return copied ? Math.max(4 * group, set.bytes()) : 4 * channels;
    }

    /** Bytes from pixel to pixel of dy, as passes read it. */
    int stepDy() {
        return copied ? set.bytes() : 4 * channels;
    }

    private int sums() {
        return together * columns.taps();
    }

    private int tailChannels() {
        return channels % set.lanes();
    }

    @Override
    public void emit(Assembler a) {
        a.enter(FRAME);
        a.mov(Gp.RAX, Gp.R8);
        a.shr(Gp.RAX, 32);
        a.mov(Mem.at(Gp.RSP, END), Gp.RAX);
        a.shl(Gp.R8, 32);
        a.shr(Gp.R8, 32);
        a.mov(Mem.at(Gp.RSP, FIRST), Gp.R8);
        a.mov(Gp.RAX, Gp.R9);
        a.shr(Gp.RAX, 32);
        a.imul(Gp.RAX, Gp.RAX, set.bytes());
        a.mov(Mem.at(Gp.RSP, VECTOR_END), Gp.RAX);
        a.shl(Gp.R9, 32);
        a.shr(Gp.R9, 32);
        a.imul(Gp.R14, Gp.R9, set.bytes());
        a.mov(Mem.at(Gp.RSP, FIRST_VECTOR), Gp.R14);
        a.imul(Gp.R15, Gp.R9, rows * group * columns.taps() * set.bytes());
        a.add(Gp.R15, Gp.RCX);
        if (tailChannels() > 0) {
            LaneMask.prepare(a, set, tailChannels());
        }
        vectorLoop(a);
        a.leave(FRAME);
    }

    private void vectorLoop(Assembler a) {
        Label end = new Label();
        Label tail = new Label();
        int whole = channels / set.lanes() * set.bytes();
        Label next = a.here();
        a.cmp(Gp.R14, Mem.at(Gp.RSP, VECTOR_END));
        a.j(Condition.AE, end);
        if (tailChannels() > 0) {
            a.cmp(Gp.R14, whole);
            a.j(Condition.AE, tail);
        }
        if (whole > 0) {
            new Pass(this, a, false).emit();
            a.add(Gp.R14, set.bytes());
            a.jmp(next);
        }
        if (tailChannels() > 0) {
            a.bind(tail);
            new Pass(this, a, true).emit();
        }
        a.bind(end);
    }

    /** All passes of a vector. r14: bytes from a pixel to it; r15: its sums, and then those of the next vector. */
    private static final class Pass {
        private final GroupedWeightKernel k;
        private final Assembler a;
        private final boolean masked;
        private final InstructionSet set;
        private final Vec mask;
        private LaneMask lanes;
        private final Vec temporary;
        private final int firstDy;
        private final int firstSpread;
        private final List<ColumnTiles.Run> runs;

        Pass(GroupedWeightKernel k, Assembler a, boolean masked) {
            this.k = k;
            this.a = a;
            this.masked = masked;
            set = k.set;
            int top = set.registers();
            mask = masked && set == InstructionSet.AVX2 ? set.vec(--top) : null;
            temporary = set.vec(--top);
            firstDy = k.sums() * k.copies;
            firstSpread = firstDy + k.tile;
            runs = ColumnTiles.of(k.columns, k.tile);
        }

        void emit() {
            lanes = masked ? LaneMask.prepared(a, set, k.tailChannels(), mask) : LaneMask.all(a);
            if (k.copied) {
                groupOffset();
                copy(COPY_X, PIXELS_X, k.stepX() / set.bytes());
                a.lea(Gp.RBX, Mem.at(Gp.RDX, Gp.R14, 1, 0));
                copy(COPY_DY, PIXELS_DY, 1);
                beginFetching();
            }
            a.mov(Gp.RBP, Mem.at(Gp.RDI));
            if (k.ahead > 0 && !k.copied) {
                // Each row tap has code of its own, which prefetches its share of the rows to come.
                for (int r = 0; r < k.rows; r++) {
                    rowTap(r);
                }
                return;
            }
            a.mov(Gp.RAX, k.rows);
            a.mov(Mem.at(Gp.RSP, TAPS), Gp.RAX);
            Label tap = a.here();
            rowTap(ANY);
            count(TAPS, tap);
        }

        /** @param tap which one, if its share is to be prefetched */
        private void rowTap(int tap) {
            if (k.copied) {
                a.mov(Gp.RBX, Mem.at(Gp.RDI, BASE_X));
            } else {
                groupOffset();
            }
            a.mov(Gp.RAX, k.group / k.together);
            a.mov(Mem.at(Gp.RSP, BLOCKS), Gp.RAX);
            a.mov(Gp.RAX, Mem.at(Gp.RDI, 8));
            a.mov(Mem.at(Gp.RSP, SPREAD), Gp.RAX);
            Label block = a.here();
            pass(tap);
            if (k.fetch() == GroupedKernel.Fetch.BROADCAST) {
                a.add(Gp.RBX, 4 * k.together);
            }
            count(BLOCKS, block);
            a.add(Gp.RBP, 8 * k.dyRows);
        }

        /** Copies pixels from rbx on. @param vectors of each pixel */
        private void copy(int to, int pixels, int vectors) {
            a.mov(Gp.RAX, Mem.at(Gp.RDI, to));
            a.mov(Gp.R8, Mem.at(Gp.RDI, pixels));
            a.align(32);
            Label pixel = a.here();
            for (int v = 0; v < vectors; v++) {
                lanes.load(temporary, Mem.at(Gp.RBX, v * set.bytes()));
                a.vmovups(Mem.at(Gp.RAX, v * set.bytes()), temporary);
            }
            a.add(Gp.RBX, 4 * k.channels);
            a.add(Gp.RAX, vectors * set.bytes());
            a.dec(Gp.R8);
            a.j(Condition.NE, pixel);
        }

        /** r12, r13: where the pixels of x and of dy lie that the next pass copies. */
        private void beginFetching() {
            Label inside = new Label();
            a.lea(Gp.R9, Mem.at(Gp.R14, set.bytes()));
            a.mov(Gp.R12, Gp.RSI);
            a.mov(Gp.R13, Gp.RDX);
            a.cmp(Gp.R9, Mem.at(Gp.RSP, VECTOR_END));
            a.j(Condition.B, inside);
            a.mov(Gp.R9, Mem.at(Gp.RSP, FIRST_VECTOR));
            a.mov(Gp.R12, Mem.at(Gp.RDI, NEXT_X));
            a.mov(Gp.R13, Mem.at(Gp.RDI, NEXT_DY));
            a.bind(inside);
            a.add(Gp.R13, Gp.R9);
            if (k.fetch() == GroupedKernel.Fetch.BROADCAST) {
                offsetOfGroup(Gp.R9);
            }
            a.add(Gp.R12, Gp.R9);
            fetched(Gp.R12, FETCH_X, PIXELS_X);
            fetched(Gp.R13, FETCH_DY, PIXELS_DY);
        }

        private void fetched(Gp first, int slot, int pixels) {
            a.mov(Mem.at(Gp.RSP, slot), first);
            a.mov(Gp.RAX, Mem.at(Gp.RDI, pixels));
            a.imul(Gp.RAX, Gp.RAX, 4 * k.channels);
            a.add(Gp.RAX, first);
            a.mov(Mem.at(Gp.RSP, slot + 8), Gp.RAX);
        }

        /** At the end, from the beginning again: what is near already costs little. */
        private void fetchAgain(Gp next, int slot) {
            Label more = new Label();
            a.cmp(next, Mem.at(Gp.RSP, slot + 8));
            a.j(Condition.B, more);
            a.mov(next, Mem.at(Gp.RSP, slot));
            a.bind(more);
        }

        /** Pixels that each tile fetches, of so many to a row of dy. */
        private int share(int pixels) {
            int tiles = k.rows * (k.group / k.together) * runs.stream().mapToInt(ColumnTiles.Run::count).sum();
            return Math.ceilDiv(pixels, tiles);
        }

        private int shareOfX() {
            return share(k.strideRows * k.columns.in());
        }

        private int shareOfDy() {
            return share(k.columns.out());
        }

        /** What a tile fetches of the pixels to be copied next. */
        private List<Mem> copiedNext() {
            List<Mem> all = new ArrayList<>();
            for (int p = 0; p < shareOfX(); p++) {
                for (int line = 0; line < k.stepX(); line += LINE) {
                    all.add(Mem.at(Gp.R12, p * 4 * k.channels + line));
                }
            }
            for (int p = 0; p < shareOfDy(); p++) {
                all.add(Mem.at(Gp.R13, p * 4 * k.channels));
            }
            return all;
        }

        private void count(int slot, Label back) {
            a.mov(Gp.RAX, Mem.at(Gp.RSP, slot));
            a.dec(Gp.RAX);
            a.mov(Mem.at(Gp.RSP, slot), Gp.RAX);
            a.test(Gp.RAX, Gp.RAX);
            a.j(Condition.NE, back);
        }

        /** rbx: image x at the vector, or at its group. */
        private void groupOffset() {
            if (k.fetch() == GroupedKernel.Fetch.BROADCAST) {
                a.mov(Gp.RBX, Gp.R14);
                offsetOfGroup(Gp.RBX);
                a.add(Gp.RBX, Gp.RSI);
            } else {
                a.lea(Gp.RBX, Mem.at(Gp.RSI, Gp.R14, 1, 0));
            }
        }

        /** Bytes from a pixel to the vector's group, of those to the vector. */
        private void offsetOfGroup(Gp vector) {
            a.shr(vector, Integer.numberOfTrailingZeros(set.bytes() / 8));
            a.add(vector, Mem.at(Gp.RDI, 16));
            a.mov(vector, Mem.at(vector));
        }

        private Vec sum(int i, int copy) {
            return set.vec(copy * k.sums() + i);
        }

        private void pass(int tap) {
            for (int i = 0; i < k.sums(); i++) {
                a.vmovups(sum(i, 0), Mem.at(Gp.R15, i * set.bytes()));
                for (int copy = 1; copy < k.copies; copy++) {
                    a.vxorps(sum(i, copy), sum(i, copy), sum(i, copy));
                }
            }
            if (k.fetch() == GroupedKernel.Fetch.SPREAD && !k.quads()) {
                a.mov(Gp.RAX, Mem.at(Gp.RSP, SPREAD));
                for (int c = 0; c < k.together; c++) {
                    a.vmovups(set.vec(firstSpread + c), Mem.at(Gp.RAX, c * set.bytes()));
                }
                a.add(Gp.RAX, k.together * set.bytes());
                a.mov(Mem.at(Gp.RSP, SPREAD), Gp.RAX);
            }
            rowLoop(tap);
            for (int i = 0; i < k.sums(); i++) {
                for (int copy = 1; copy < k.copies; copy++) {
                    a.vaddps(sum(i, 0), sum(i, 0), sum(i, copy));
                }
                a.vmovups(Mem.at(Gp.R15, i * set.bytes()), sum(i, 0));
            }
            a.add(Gp.R15, k.sums() * set.bytes());
        }

        /** r8: row of dy; rax: its row of x; r10: dy at the tile; r11: x at the tile's base. */
        private void rowLoop(int tap) {
            Label skip = new Label();
            a.mov(Gp.R8, Mem.at(Gp.RSP, FIRST));
            Label row = a.here();
            a.mov(Gp.RAX, Mem.at(Gp.RBP, Gp.R8, 8, 0));
            a.test(Gp.RAX, Gp.RAX);
            a.j(Condition.L, skip);
            a.add(Gp.RAX, Gp.RBX);
            a.imul(Gp.R10, Gp.R8, k.columns.out() * k.stepDy());
            if (k.copied) {
                a.add(Gp.R10, Mem.at(Gp.RDI, BASE_DY));
            } else {
                a.add(Gp.R10, Gp.R14);
                a.add(Gp.R10, Gp.RDX);
            }
            for (ColumnTiles.Run run : runs) {
                a.lea(Gp.R11, Mem.at(Gp.RAX, run.base() * k.stepX()));
                if (run.count() > 1) {
                    a.mov(Gp.RCX, run.count());
                }
                a.align(32);
                Label next = a.here();
                tile(run, tap);
                a.add(Gp.R10, run.width() * k.stepDy());
                if (k.copied) {
                    a.add(Gp.R12, shareOfX() * 4 * k.channels);
                    a.add(Gp.R13, shareOfDy() * 4 * k.channels);
                }
                if (run.count() > 1) {
                    a.add(Gp.R11, run.step() * k.stepX());
                    a.dec(Gp.RCX);
                    a.j(Condition.NE, next);
                }
            }
            if (k.copied) {
                fetchAgain(Gp.R12, FETCH_X);
                fetchAgain(Gp.R13, FETCH_DY);
            }
            a.bind(skip);
            a.inc(Gp.R8);
            a.cmp(Gp.R8, Mem.at(Gp.RSP, END));
            a.j(Condition.L, row);
        }

        private void tile(ColumnTiles.Run run, int tap) {
            List<Mem> coming = k.copied ? copiedNext() : tap == ANY ? List.of() : share(run, tap);
            for (int p = 0; p < run.width(); p++) {
                load(set.vec(firstDy + p), Mem.at(Gp.R10, p * k.stepDy()));
            }
            int turn = 0;
            int reads = run.reads().size();
            for (ColumnTiles.Read read : run.reads()) {
                // Evenly among the multiply-adds: a burst of misses would stop them.
                coming.subList(coming.size() * turn / reads, coming.size() * (turn + 1) / reads).forEach(a::prefetcht1);
                Mem pixel = Mem.at(Gp.R11, read.offset() * k.stepX());
                for (int c = 0; c < k.together; c++) {
                    read(pixel, c);
                    for (ColumnTiles.Use use : read.uses()) {
                        a.vfmadd231ps(sum(c * k.columns.taps() + use.tap(), turn % k.copies), temporary, set.vec(firstDy + use.column()));
                    }
                }
                turn++;
            }
        }

        /** Pixels of the rows to come that one row tap prefetches: its share of dy's, and of x's beyond those that are in use. */
        private List<Mem> share(ColumnTiles.Run run, int tap) {
            List<Mem> all = new ArrayList<>();
            for (int p = 0; p < run.width(); p++) {
                all.add(Mem.at(Gp.R10, (k.ahead * k.columns.out() + p) * k.stepDy()));
            }
            int own = run.count() > 1 ? run.step() : Integer.MAX_VALUE;
            for (int row = 0; row < k.strideRows; row++) {
                int below = k.ahead * k.strideRows + (k.rows - 1 - tap) * k.dilationRows - row;
                for (ColumnTiles.Read read : run.reads()) {
                    if (read.offset() < own) {
                        all.add(Mem.at(Gp.R11, (below * k.columns.in() + read.offset()) * k.stepX()));
                    }
                }
            }
            return IntStream.range(0, all.size()).filter(i -> i % k.rows == tap).mapToObj(all::get).toList();
        }

        private void read(Mem pixel, int c) {
            Operand source = pixel;
            if (k.fetch() == GroupedKernel.Fetch.PLAIN) {
                load(temporary, pixel);
                return;
            }
            if (k.fetch() == GroupedKernel.Fetch.BROADCAST) {
                a.vbroadcastss(temporary, pixel.plus(4 * c));
                return;
            }
            if (masked && !k.copied) {
                load(temporary, pixel);
                source = temporary;
            }
            if (k.quads()) {
                a.vpermilps(temporary, source, 0x55 * c);
            } else {
                a.vpermps(temporary, set.vec(firstSpread + c), source);
            }
        }

        private void load(Vec to, Mem from) {
            if (k.copied) {
                a.vmovups(to, from);
            } else {
                lanes.load(to, from);
            }
        }
    }
}
