package dev.jacquard.cpu.x64;

import java.util.ArrayList;
import java.util.List;

/**
 * Backward of weight of a depthwise convolution: adds, for some rows of dy, products of x and dy to sums by tap. The sums of all taps of a vector of channels stay in
 * registers over all of these rows, beside a tile of neighbours of dy; each vector of x that the tile reaches is read and multiplied with those of which it is a tap. A
 * vector's rows of x are in the first-level cache from one row of dy to the next; all vectors' rows are to be in the second-level cache, where each tile fetches a part of
 * what the next call reads, as it lies in memory. Sums lie as {@link GroupedKernel} reads weights: [vector][row tap][column tap][element].
 *
 * <p>Arguments: image x, image dy, sums, first row of dy and the row after the last in the upper half, x and dy of the next call, from the first row that this one does not read.
 *
 * @param set instruction set
 * @param rows taps along a column, from dy's rows to x's
 * @param columns taps along a row, likewise
 * @param channels of the images
 * @param wide columns of a tile
 * @param fetched whether what the next call reads is prefetched
 */
record DepthwiseWeightKernel(InstructionSet set, TapMap rows, TapMap columns, int channels, int wide, boolean fetched) implements Kernel.Spec {
    private static final int END = 0;
    private static final int FIRST = 8;
    private static final int FRAME = 16;

    int vectors() {
        return set.vectors(channels);
    }

    private int taps() {
        return rows.taps() * columns.taps();
    }

    /** Bytes of the sums of a vector. */
    int vectorBytes() {
        return taps() * set.bytes();
    }

    /** Vectors of dy that fit into registers beside all sums, and what AVX2 needs for a mask; less than one if the sums do not fit. */
    static int room(InstructionSet set, int taps) {
        return set.registers() - taps - (set == InstructionSet.AVX512 ? 1 : 2);
    }

    private int pixelBytes() {
        return 4 * channels;
    }

    private int rowBytesX() {
        return columns.in() * pixelBytes();
    }

    private int rowBytesDy() {
        return columns.out() * pixelBytes();
    }

    private int tailChannels() {
        return channels % set.lanes();
    }

    /** rdx: sums; r14: bytes from a pixel to their vector; r12, r13: x and dy to prefetch. */
    @Override
    public void emit(Assembler a) {
        a.enter(FRAME);
        a.mov(Gp.RAX, Gp.RCX);
        a.shr(Gp.RAX, 32);
        a.mov(Mem.at(Gp.RSP, END), Gp.RAX);
        a.shl(Gp.RCX, 32);
        a.shr(Gp.RCX, 32);
        a.mov(Mem.at(Gp.RSP, FIRST), Gp.RCX);
        a.mov(Gp.R12, Gp.R8);
        a.mov(Gp.R13, Gp.R9);
        a.xor(Gp.R14, Gp.R14);
        int whole = channels / set.lanes();
        if (whole > 0) {
            Label vector = a.here();
            new Pass(this, a, false).emit();
            a.add(Gp.RDX, vectorBytes());
            a.add(Gp.R14, set.bytes());
            a.cmp(Gp.R14, whole * set.bytes());
            a.j(Condition.B, vector);
        }
        if (tailChannels() > 0) {
            LaneMask.prepare(a, set, tailChannels());
            new Pass(this, a, true).emit();
        }
        a.leave(FRAME);
    }

    /** The code of a vector. */
    private static final class Pass {
        private final DepthwiseWeightKernel k;
        private final Assembler a;
        private final InstructionSet set;
        private final Vec temporary;
        private final LaneMask lanes;

        Pass(DepthwiseWeightKernel k, Assembler a, boolean masked) {
            this.k = k;
            this.a = a;
            set = k.set;
            int top = set.registers();
            temporary = set.vec(--top);
            lanes = masked ? LaneMask.prepared(a, set, k.tailChannels(), set == InstructionSet.AVX2 ? set.vec(--top) : null) : LaneMask.all(a);
        }

        private Vec dy(int column) {
            return set.vec(k.taps() + column);
        }

        /** r8: row of dy. */
        void emit() {
            for (int i = 0; i < k.taps(); i++) {
                a.vmovups(set.vec(i), Mem.at(Gp.RDX, i * set.bytes()));
            }
            a.mov(Gp.R8, Mem.at(Gp.RSP, FIRST));
            Label end = new Label();
            for (ColumnTiles.Run run : ColumnTiles.of(k.rows, 1)) {
                rows(run, end);
            }
            a.bind(end);
            for (int i = 0; i < k.taps(); i++) {
                a.vmovups(Mem.at(Gp.RDX, i * set.bytes()), set.vec(i));
            }
        }

        /** Rows of dy that reach the same row taps. rbx: x at the row from which its reads are counted; r10: dy at the tile. */
        private void rows(ColumnTiles.Run run, Label end) {
            Label behind = new Label();
            a.cmp(Gp.R8, run.first() + run.count());
            a.j(Condition.GE, behind);
            Label row = a.here();
            a.cmp(Gp.R8, Mem.at(Gp.RSP, END));
            a.j(Condition.GE, end);
            a.imul(Gp.RBX, Gp.R8, run.step() * k.rowBytesX());
            a.mov(Gp.RAX, (run.base() - (long) run.first() * run.step()) * k.rowBytesX());
            a.add(Gp.RBX, Gp.RAX);
            a.add(Gp.RBX, Gp.RDI);
            a.add(Gp.RBX, Gp.R14);
            a.imul(Gp.R10, Gp.R8, k.rowBytesDy());
            a.add(Gp.R10, Gp.RSI);
            a.add(Gp.R10, Gp.R14);
            for (ColumnTiles.Run tiles : ColumnTiles.of(k.columns, k.wide)) {
                columns(run, tiles);
            }
            a.inc(Gp.R8);
            a.cmp(Gp.R8, run.first() + run.count());
            a.j(Condition.L, row);
            a.bind(behind);
        }

        /** r11: x at the pixel from which the tile's reads are counted. */
        private void columns(ColumnTiles.Run run, ColumnTiles.Run tiles) {
            a.mov(Gp.RAX, (long) tiles.base() * k.pixelBytes());
            a.lea(Gp.R11, Mem.at(Gp.RBX, Gp.RAX, 1, 0));
            if (tiles.count() > 1) {
                a.mov(Gp.RCX, tiles.count());
            }
            a.align(32);
            Label next = a.here();
            tile(run, tiles);
            a.add(Gp.R10, tiles.width() * k.pixelBytes());
            if (tiles.count() > 1) {
                a.add(Gp.R11, tiles.step() * k.pixelBytes());
                a.dec(Gp.RCX);
                a.j(Condition.NE, next);
            }
        }

        private void tile(ColumnTiles.Run down, ColumnTiles.Run across) {
            List<Mem> coming = k.fetched ? coming(across.width()) : List.of();
            int all = across.reads().size() * down.reads().size();
            if (all > 0) {
                for (int column = 0; column < across.width(); column++) {
                    lanes.load(dy(column), Mem.at(Gp.R10, column * k.pixelBytes()));
                }
            }
            int turn = 0;
            for (ColumnTiles.Read column : across.reads()) {
                for (ColumnTiles.Read row : down.reads()) {
                    // Evenly among the multiply-adds: a burst of misses would stop them.
                    coming.subList(coming.size() * turn / all, coming.size() * (turn + 1) / all).forEach(a::prefetcht1);
                    turn++;
                    lanes.load(temporary, Mem.at(Gp.R11, row.offset() * k.rowBytesX() + column.offset() * k.pixelBytes()));
                    int tap = row.uses().getFirst().tap() * k.columns.taps();
                    for (ColumnTiles.Use use : column.uses()) {
                        a.vfmadd231ps(set.vec(tap + use.tap()), temporary, dy(use.column()));
                    }
                }
            }
            if (k.fetched) {
                a.add(Gp.R12, across.width() * k.rows.stride() * k.columns.stride() * set.bytes());
                a.add(Gp.R13, across.width() * set.bytes());
            }
        }

        /** As much of what comes as the tile is of what is there. */
        private List<Mem> coming(int width) {
            List<Mem> all = new ArrayList<>();
            for (int i = 0; i < width; i++) {
                for (int j = 0; j < k.rows.stride() * k.columns.stride(); j++) {
                    all.add(Mem.at(Gp.R12, (i * k.rows.stride() * k.columns.stride() + j) * set.bytes()));
                }
                all.add(Mem.at(Gp.R13, i * set.bytes()));
            }
            return all;
        }
    }
}
