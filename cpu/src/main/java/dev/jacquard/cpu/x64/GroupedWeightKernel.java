package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Backward of weight of a depthwise or grouped convolution: adds, for some rows of dy, products of x and dy to sums by tap. A pass has the sums of one vector of output channels, one row tap and some channels of
 * the group in registers; each vector of x is read once per pass and multiplied with the vectors of dy that reached it, which are in registers, a tile of them. Sums lie as {@link GroupedKernel} reads
 * weights: [vector][row tap][channel of the group][column tap][element].
 *
 * <p>Arguments: the address of {@link #PARAMETERS}, image x, image dy, sums, first row of dy and the row after the last in the upper half, first vector and the one after the last in the upper half.
 *
 * @param set instruction set
 * @param columns taps along a row, from dy's columns to x's
 * @param rows taps along a column
 * @param dyRows rows of dy
 * @param channels of the images
 * @param group channels of a group
 * @param tile pixels of dy in registers
 * @param together channels of a group of a pass; divides {@code group}
 * @param copies of the sums, taken in turn, so that additions need not wait for one another
 */
record GroupedWeightKernel(InstructionSet set, TapMap columns, int rows, int dyRows, int channels, int group, int tile, int together, int copies) implements Kernel.Spec {
    /** Longs in memory: addresses of three tables. Rows: for each row tap and row of dy, the byte offset of x's row in its image, -1 if the tap falls outside. Spread and vectors as in {@link GroupedKernel}. */
    static final int PARAMETERS = 3;

    private static final int END = 0;
    private static final int FIRST = 8;
    private static final int VECTOR_END = 16;
    private static final int TAPS = 24;
    private static final int BLOCKS = 32;
    private static final int COUNT = 40;
    private static final int SPREAD = 48;
    private static final int FRAME = 64;
    private static final int TAIL = 1;

    private GroupedKernel.Fetch fetch() {
        return group == 1 ? GroupedKernel.Fetch.PLAIN : group < set.lanes() ? GroupedKernel.Fetch.SPREAD : GroupedKernel.Fetch.BROADCAST;
    }

    /** Whether a group is four neighbours within 128 bits, which an immediate spreads. */
    private boolean quads() {
        return group == 4 && together == 4;
    }

    int vectors() {
        return (channels + set.lanes() - 1) / set.lanes();
    }

    /** Bytes of all sums. */
    long sumBytes() {
        return (long) vectors() * rows * group * columns.taps() * set.bytes();
    }

    private int pixelBytes() {
        return 4 * channels;
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
        a.imul(Gp.R15, Gp.R9, rows * group * columns.taps() * set.bytes());
        a.add(Gp.R15, Gp.RCX);
        if (tailChannels() > 0 && set == InstructionSet.AVX512) {
            a.mov(Gp.RAX, (1L << tailChannels()) - 1);
            a.kmov(TAIL, Gp.RAX, 16);
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
        a.j(Assembler.Condition.AE, end);
        if (tailChannels() > 0) {
            a.cmp(Gp.R14, whole);
            a.j(Assembler.Condition.AE, tail);
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
            if (mask != null) {
                int[] words = new int[set.lanes()];
                for (int i = 0; i < k.tailChannels(); i++) {
                    words[i] = -1;
                }
                a.vmovups(mask, Literal.each(words));
            }
            a.mov(Gp.RBP, Mem.at(Gp.RDI));
            a.mov(Gp.RAX, k.rows);
            a.mov(Mem.at(Gp.RSP, TAPS), Gp.RAX);
            Label tap = a.here();
            groupOffset();
            a.mov(Gp.RAX, k.group / k.together);
            a.mov(Mem.at(Gp.RSP, BLOCKS), Gp.RAX);
            a.mov(Gp.RAX, Mem.at(Gp.RDI, 8));
            a.mov(Mem.at(Gp.RSP, SPREAD), Gp.RAX);
            Label block = a.here();
            pass();
            if (k.fetch() == GroupedKernel.Fetch.BROADCAST) {
                a.add(Gp.RBX, 4 * k.together);
            }
            count(BLOCKS, block);
            a.add(Gp.RBP, 8 * k.dyRows);
            count(TAPS, tap);
        }

        private void count(int slot, Label back) {
            a.mov(Gp.RAX, Mem.at(Gp.RSP, slot));
            a.dec(Gp.RAX);
            a.mov(Mem.at(Gp.RSP, slot), Gp.RAX);
            a.test(Gp.RAX, Gp.RAX);
            a.j(Assembler.Condition.NE, back);
        }

        /** rbx: image x at the vector, or at its group. */
        private void groupOffset() {
            if (k.fetch() == GroupedKernel.Fetch.BROADCAST) {
                a.mov(Gp.RBX, Gp.R14);
                a.shr(Gp.RBX, Integer.numberOfTrailingZeros(set.bytes() / 8));
                a.add(Gp.RBX, Mem.at(Gp.RDI, 16));
                a.mov(Gp.RBX, Mem.at(Gp.RBX));
                a.add(Gp.RBX, Gp.RSI);
            } else {
                a.lea(Gp.RBX, Mem.at(Gp.RSI, Gp.R14, 1, 0));
            }
        }

        private Vec sum(int i, int copy) {
            return set.vec(copy * k.sums() + i);
        }

        private void pass() {
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
            rowLoop();
            for (int i = 0; i < k.sums(); i++) {
                for (int copy = 1; copy < k.copies; copy++) {
                    a.vaddps(sum(i, 0), sum(i, 0), sum(i, copy));
                }
                a.vmovups(Mem.at(Gp.R15, i * set.bytes()), sum(i, 0));
            }
            a.add(Gp.R15, k.sums() * set.bytes());
        }

        /** r8: row of dy; rax: its row of x; r10: dy at the tile; r11: x at the tile's base. */
        private void rowLoop() {
            Label skip = new Label();
            a.mov(Gp.R8, Mem.at(Gp.RSP, FIRST));
            Label row = a.here();
            a.mov(Gp.RAX, Mem.at(Gp.RBP, Gp.R8, 8, 0));
            a.test(Gp.RAX, Gp.RAX);
            a.j(Assembler.Condition.L, skip);
            a.add(Gp.RAX, Gp.RBX);
            a.imul(Gp.R10, Gp.R8, k.columns.out() * k.pixelBytes());
            a.add(Gp.R10, Gp.R14);
            a.add(Gp.R10, Gp.RDX);
            for (ColumnTiles.Run run : runs) {
                a.lea(Gp.R11, Mem.at(Gp.RAX, run.base() * k.pixelBytes()));
                if (run.count() > 1) {
                    a.mov(Gp.RCX, run.count());
                }
                a.align(32);
                Label next = a.here();
                tile(run);
                a.add(Gp.R10, run.width() * k.pixelBytes());
                if (run.count() > 1) {
                    a.add(Gp.R11, run.step() * k.pixelBytes());
                    a.dec(Gp.RCX);
                    a.j(Assembler.Condition.NE, next);
                }
            }
            a.bind(skip);
            a.inc(Gp.R8);
            a.cmp(Gp.R8, Mem.at(Gp.RSP, END));
            a.j(Assembler.Condition.L, row);
        }

        private void tile(ColumnTiles.Run run) {
            for (int p = 0; p < run.width(); p++) {
                load(set.vec(firstDy + p), Mem.at(Gp.R10, p * k.pixelBytes()));
            }
            int turn = 0;
            for (ColumnTiles.Read read : run.reads()) {
                Mem pixel = Mem.at(Gp.R11, read.offset() * k.pixelBytes());
                for (int c = 0; c < k.together; c++) {
                    read(pixel, c);
                    for (ColumnTiles.Use use : read.uses()) {
                        a.vfmadd231ps(sum(c * k.columns.taps() + use.tap(), turn % k.copies), temporary, set.vec(firstDy + use.column()));
                    }
                }
                turn++;
            }
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
            if (masked) {
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
            if (mask != null) {
                a.vmaskmovps(to, mask, from);
            } else {
                a.vmovups(masked ? to.zeroed(TAIL) : to, from);
            }
        }
    }
}
