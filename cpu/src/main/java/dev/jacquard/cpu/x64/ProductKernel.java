package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import java.util.Arrays;

/**
 * One panel of a product: C (rows, columns) = epilogue(A (rows, depth) B (depth, columns)), where B is a packed panel, so many vectors wide, and the rows of A and C lie at even
 * distances ({@link Rows.Even}) or where a table says ({@link Rows.Listed}: convolutions, whose row of A is a window of several taps; Dukhan, "The Indirect Convolution Algorithm",
 * 2019). Sums of a tile stay in registers over all of the call's depth; where a product is cut in its depth, they stay in a compact buffer between calls. The argument is a
 * {@link ProductFrame}.
 *
 * <p>A tile is as many rows as leave a few registers for B and A: 4 by 6 vectors, 6 by 4, 8 by 3, 12 by 2 or 24 by 1 of the 32 registers of AVX-512; 6 by 2, 4 by 3 or 12 by 1 of
 * AVX2's 16. The last rows are smaller tiles.
 *
 * @param set instruction set
 * @param rows where the rows lie
 * @param vectors width of the panel
 * @param columns of these are stored; the rest of the last vector is not
 * @param epilogue what is done to the sums
 * @param streams whether C goes past the caches, because it is larger than they are; its rows lie on whole vectors then
 * @param gated whether element p of each row of A is multiplied by gate p: of B, in truth, of which there are fewer; even rows only
 */
record ProductKernel(InstructionSet set, Rows rows, int vectors, int columns, Epilogue epilogue, boolean streams, boolean gated) implements Kernel.Spec {
    /** Where the rows of A and C lie. */
    sealed interface Rows {
        /**
         * At even distances.
         *
         * @param aRow bytes from A[i, p] to A[i + 1, p]
         * @param aStep bytes from A[i, p] to A[i, p + 1]
         * @param cRow bytes from C[i, j] to C[i + 1, j]
         * @param ahead whether A is contiguous, read once and too large for the caches: it is asked for before it is needed
         */
        record Even(int aRow, int aStep, int cRow, boolean ahead) implements Rows {}

        /**
         * As a {@link TileTable} lists them.
         *
         * @param ahead bytes from where a tile has its rows of A to where most tiles have those of the next, if these are asked for before they are needed, because A is too large
         *     for the caches; else 0
         */
        record Listed(int ahead) implements Rows {}
    }

    /** How far ahead, in bytes, B is asked for: it streams from the second-level cache. */
    private static final int B_AHEAD = 2048;

    /**
     * Most products that are summed one after the other: longer sums are made of parts, whose error would else exceed the table of tolerances from some 1000 products on (the
     * largest of a network's million sums counts). Half as many cost 1 % more time, since tiles go out and in between parts.
     */
    static final int LONGEST_SUM = 512;

    /** Most rows of a tile whose rows are listed: their pointers are in registers. */
    static final int LISTED_ROWS = 6;

    /** Most rows of a tile. */
    static int tileRows(InstructionSet set, int vectors) {
        if (set == InstructionSet.AVX2) {
            return switch (vectors) {
                case 1 -> 12;
                case 2 -> 6;
                default -> 4;
            };
        }
        return switch (vectors) {
            case 1 -> 24;
            case 2 -> 12;
            case 3 -> 8;
            case 4 -> 6;
            default -> 4;
        };
    }

    /** Most rows of this kernel's tiles. */
    int tileRows() {
        int most = tileRows(set, vectors);
        return rows instanceof Rows.Listed ? Math.min(most, LISTED_ROWS) : most;
    }

    @Override
    public void emit(Assembler a) {
        new Emitter(a, this).emit();
    }

    /**
     * Registers: rdi frame, rsi B, rcx counts depth, r12 partial sums, r15 rows or tiles left, r13 taps left.
     * Even: r14 A, rax A of the tile as it goes, rdx C, rbx images beside, r8 gate, r9 images ahead, r10 its rows left, or as {@link LateRows} has them,
     * r11 A ahead, rbp from B to the line of the next panel that is
     * asked for. Listed: r14 tile, rbp tap, rdx depth done.
     */
    private static final class Emitter {
        private static final int UNROLL = ProductFrame.STEPS;
        /** Rows before its use at which a row of images beside is asked for, those of the tile's own steps apart. */
        private static final int IMAGES_AHEAD = 1;
        private static final Gp[] POINTERS = {Gp.RAX, Gp.RBX, Gp.R8, Gp.R9, Gp.R10, Gp.R11};

        private final Assembler a;
        private final ProductKernel k;
        private final InstructionSet set;
        private final Rows.Even even;
        private final int vectors;
        private final int bytes;
        private final int mr;
        private final ProductEpilogue epilogue;
        /** Null if the epilogue is applied as tiles end. */
        private final LateRows late;
        /** Whether rbx goes along with C. */
        private final boolean images;

        Emitter(Assembler a, ProductKernel k) {
            this.a = a;
            this.k = k;
            set = k.set;
            even = k.rows instanceof Rows.Even e ? e : null;
            vectors = k.vectors;
            bytes = set.bytes();
            mr = k.tileRows();
            epilogue = new ProductEpilogue(a, k);
            late = late();
            images = k.epilogue.readsImages() && !(late instanceof LateGradient);
        }

        private LateRows late() {
            if (LateGradient.takes(k)) {
                return new LateGradient(epilogue, a, k, free(mr * vectors));
            }
            return even != null && epilogue.scaled() && !k.gated ? new LateSilu(a, set, mr, vectors, even.cRow, free(mr * vectors), epilogue::put) : null;
        }

        /** Registers beside so many sums. */
        private Vec[] free(int sums) {
            Vec[] free = new Vec[set.registers() - sums];
            Arrays.setAll(free, this::spare);
            return free;
        }

        void emit() {
            a.enter(0);
            epilogue.prepare();
            a.mov(Gp.R12, frame(ProductFrame.PARTIAL));
            if (even != null) {
                evenLines();
            } else {
                listedRows();
            }
            if (k.streams) {
                a.sfence();
            }
            a.leave(0);
        }

        private static Mem frame(int at) {
            return Mem.at(Gp.RDI, at);
        }

        private void evenLines() {
            a.mov(Gp.R14, frame(ProductFrame.A));
            a.mov(Gp.RDX, frame(ProductFrame.C));
            if (images) {
                a.mov(Gp.RBX, frame(ProductFrame.BESIDE));
            }
            a.mov(Gp.RBP, frame(ProductFrame.NEXT));
            if (late != null) {
                late.prepare();
                late.none();
            }
            a.mov(Gp.RCX, frame(ProductFrame.LINES));
            Label line = a.here();
            a.mov(frame(ProductFrame.LINES_LEFT), Gp.RCX);
            a.mov(Gp.R15, frame(ProductFrame.COUNT));
            evenRows();
            a.add(Gp.R14, frame(ProductFrame.LINE_STEP));
            a.mov(Gp.RCX, frame(ProductFrame.LINES_LEFT));
            a.dec(Gp.RCX);
            a.j(Condition.NE, line);
        }

        private void evenRows() {
            for (int h : heights()) {
                Label next = new Label();
                // A tile of one row does not hide the latency of its multiply-adds: 7 rows are 4 and 3.
                int least = h == mr && mr == 6 ? h + 3 : h;
                a.cmp(Gp.R15, least);
                a.j(Condition.L, next);
                Label loop = a.here();
                evenTile(h);
                a.sub(Gp.R15, h);
                a.cmp(Gp.R15, least);
                a.j(Condition.GE, loop);
                a.bind(next);
                if (least != h) {
                    exactly(h);
                }
                if (late != null && h == mr) {
                    late.finish();
                }
            }
        }

        private void exactly(int h) {
            Label next = new Label();
            a.cmp(Gp.R15, h);
            a.j(Condition.NE, next);
            evenTile(h);
            a.sub(Gp.R15, h);
            a.bind(next);
        }

        private int[] heights() {
            return mr == 24 ? new int[] {24, 16, 8, 4, 2, 1} : mr == 12 ? new int[] {12, 8, 6, 4, 3, 2, 1} : java.util.stream.IntStream.range(0, mr).map(i -> mr - i).toArray();
        }

        private void evenTile(int h) {
            begin(h);
            a.mov(Gp.RSI, frame(ProductFrame.B));
            a.mov(Gp.RAX, Gp.R14);
            a.mov(Gp.R13, frame(ProductFrame.TAPS));
            if (k.gated) {
                a.mov(Gp.R8, frame(ProductFrame.GATE));
            }
            if (even.ahead) {
                a.mov(Gp.R11, Gp.R14);
                a.add(Gp.R11, frame(ProductFrame.AHEAD));
            }
            Label tap = a.here();
            depthLoop(h);
            a.add(Gp.RAX, frame(ProductFrame.TAP_STEP));
            a.dec(Gp.R13);
            a.j(Condition.NE, tap);
            end(h);
            a.add(Gp.R14, h * even.aRow);
            a.add(Gp.RDX, h * even.cRow);
            if (images) {
                a.add(Gp.RBX, h * even.cRow);
            }
            a.add(Gp.R12, h * vectors * bytes);
            a.xor(Gp.RCX, Gp.RCX);
            a.add(Gp.RBP, 64);
            a.cmp(Gp.RBP, frame(ProductFrame.NEXT_END));
            a.cmov(Condition.GE, Gp.RBP, Gp.RCX);
        }

        private void listedRows() {
            a.mov(Gp.R14, frame(ProductFrame.TABLE));
            a.mov(Gp.R15, frame(ProductFrame.COUNT));
            Label loop = a.here();
            Label done = new Label();
            for (int h = mr; h >= 1; h--) {
                Label next = new Label();
                if (h > 1) {
                    a.mov(Gp.RCX, Mem.at(Gp.R14, TileTable.HEIGHT));
                    a.cmp(Gp.RCX, h);
                    a.j(Condition.NE, next);
                }
                listedTile(h);
                a.jmp(done);
                a.bind(next);
            }
            a.bind(done);
            a.add(Gp.R14, frame(ProductFrame.TILE_BYTES));
            a.dec(Gp.R15);
            a.j(Condition.NE, loop);
        }

        private void listedTile(int h) {
            begin(h);
            a.mov(Gp.RSI, frame(ProductFrame.B));
            a.mov(Gp.R13, frame(ProductFrame.TAPS));
            a.mov(Gp.RBP, Gp.R14);
            a.add(Gp.RBP, frame(ProductFrame.TAP_AT));
            Label sums = new Label();
            a.test(Gp.R13, Gp.R13);
            a.j(Condition.E, sums);
            Label tap = a.here();
            Label outside = new Label();
            Label next = new Label();
            a.mov(Gp.RAX, Mem.at(Gp.RBP));
            a.cmp(Gp.RAX, TileTable.NONE_INSIDE);
            a.j(Condition.E, outside);
            pointers(h);
            depthLoop(h);
            a.jmp(next);
            a.bind(outside);
            a.add(Gp.RSI, frame(ProductFrame.TAP_BYTES));
            a.bind(next);
            a.add(Gp.RBP, 8 * LISTED_ROWS);
            a.dec(Gp.R13);
            a.j(Condition.NE, tap);
            a.bind(sums);
            end(h);
            a.add(Gp.R12, h * vectors * bytes);
        }

        /** Addresses of a tap's rows; those outside read zeros. */
        private void pointers(int h) {
            a.mov(Gp.RDX, frame(ProductFrame.A));
            a.mov(Gp.RCX, frame(ProductFrame.ZEROS));
            for (int i = 0; i < h; i++) {
                Gp p = POINTERS[i];
                if (i > 0) {
                    a.mov(p, Mem.at(Gp.RBP, 8 * i));
                }
                a.test(p, p);
                a.lea(p, Mem.at(p, Gp.RDX, 1, 0));
                a.cmov(Condition.L, p, Gp.RCX);
            }
            a.xor(Gp.RDX, Gp.RDX);
        }

        private Vec sum(int i, int v) {
            return set.vec(i * vectors + v);
        }

        /** A register beside the sums; {@code rows * vectors} of them are taken. */
        private Vec spare(int n) {
            return set.vec(set.registers() - 1 - n);
        }

        private void begin(int h) {
            if (k.epilogue.readsImages() && even != null && h < mr - 1) {
                epilogue.askForLow(h);
            }
            if (even == null && k.epilogue.sums() == Epilogue.Sums.GRADIENT) {
                epilogue.askForListedImages(h);
            }
            for (int i = 0; i < h * vectors; i++) {
                a.vxorps(set.vec(i), set.vec(i), set.vec(i));
            }
        }

        private void depthLoop(int h) {
            if (h < mr - (even == null ? 1 : 0)) {
                // Few tiles are this low: not worth much code.
                Label none = new Label();
                a.mov(Gp.RCX, frame(ProductFrame.DEPTH));
                a.test(Gp.RCX, Gp.RCX);
                a.j(Condition.E, none);
                singleSteps(h);
                a.bind(none);
                return;
            }
            Label rest = new Label();
            Label done = new Label();
            if (late != null) {
                late.between(() -> unrolled(h));
            } else if (even != null && images) {
                askingForImages(h);
            } else {
                a.mov(Gp.RCX, frame(ProductFrame.DEPTH));
                a.shr(Gp.RCX, Integer.numberOfTrailingZeros(UNROLL));
                a.j(Condition.E, rest);
                unrolled(h);
            }
            a.bind(rest);
            a.mov(Gp.RCX, frame(ProductFrame.DEPTH));
            a.and(Gp.RCX, UNROLL - 1);
            a.j(Condition.E, done);
            singleSteps(h);
            a.bind(done);
        }

        /** rcx times {@link #UNROLL} steps of depth, once at least. */
        private void unrolled(int h) {
            a.align(32);
            Label loop = a.here();
            for (int u = 0; u < UNROLL; u++) {
                step(h, u);
            }
            if (even != null && even.ahead) {
                for (int line = 0; line < h * UNROLL * 4; line += 64) {
                    a.prefetcht0(Mem.at(Gp.R11, line));
                }
                a.add(Gp.R11, h * UNROLL * 4);
            }
            if (k.rows instanceof Rows.Listed(int ahead) && ahead > 0) {
                for (int i = 0; i < h; i++) {
                    a.prefetcht0(Mem.at(POINTERS[i], Gp.RDX, 1, ahead));
                }
            }
            advance(UNROLL);
            a.dec(Gp.RCX);
            a.j(Condition.NE, loop);
        }

        /**
         * All steps but the last few, in as many parts as the tile has rows, before each of which one row of the images beside is asked for. They were made some ops ago and come
         * from memory: asked for all at once, their lines would take all buffers for misses, and B's lines, from the second-level cache, would wait for them.
         */
        private void askingForImages(int h) {
            Label part = new Label();
            Label all = new Label();
            Label none = new Label();
            a.lea(Gp.R9, Mem.at(Gp.RBX, IMAGES_AHEAD * even.cRow));
            a.mov(Gp.R10, h);
            a.bind(part);
            epilogue.askForImages(Gp.R9, 0);
            a.add(Gp.R9, even.cRow);
            a.mov(Gp.RCX, frame(ProductFrame.PART));
            a.cmp(Gp.R10, 1);
            a.j(Condition.NE, all);
            a.add(Gp.RCX, frame(ProductFrame.LAST_PART));
            a.bind(all);
            a.test(Gp.RCX, Gp.RCX);
            a.j(Condition.E, none);
            unrolled(h);
            a.bind(none);
            a.dec(Gp.R10);
            a.j(Condition.NE, part);
        }

        /** rcx steps of depth, at least one. */
        private void singleSteps(int h) {
            Label one = a.here();
            step(h, 0);
            advance(1);
            a.dec(Gp.RCX);
            a.j(Condition.NE, one);
        }

        private void advance(int steps) {
            a.add(Gp.RSI, steps * vectors * bytes);
            if (k.gated) {
                a.add(Gp.R8, steps * 4);
            }
            if (even != null) {
                a.add(Gp.RAX, steps * even.aStep);
            } else {
                a.add(Gp.RDX, steps * 4);
            }
        }

        private Mem element(int i, int u) {
            return even != null ? Mem.at(Gp.RAX, i * even.aRow + u * even.aStep) : Mem.at(POINTERS[i], Gp.RDX, 1, 4 * u);
        }

        private void step(int h, int u) {
            if (k.gated) {
                a.vbroadcastss(spare(vectors), Mem.at(Gp.R8, 4 * u));
            }
            for (int v = 0; v < vectors; v++) {
                Mem b = Mem.at(Gp.RSI, (u * vectors + v) * bytes);
                if (k.gated) {
                    a.vmulps(spare(v), spare(vectors), b);
                } else {
                    a.vmovups(spare(v), b);
                }
            }
            // Where all rows are in one low tile, B comes from farther away, and the processor asks for it better than code does.
            for (int line = 0; line < vectors * bytes && h >= mr - 1; line += 64) {
                a.prefetcht0(Mem.at(Gp.RSI, u * vectors * bytes + line + B_AHEAD));
            }
            if (even != null && h >= mr - 1) {
                // A line that is there if nothing is to be asked for.
                a.prefetcht1(Mem.at(Gp.RSI, Gp.RBP, 1, u * vectors * bytes));
            }
            int left = set.registers() - mr * vectors - vectors;
            for (int i = 0; i < h; i++) {
                Mem x = element(i, u);
                if (vectors == 1 && set == InstructionSet.AVX512) {
                    a.vfmadd231ps(sum(i, 0), spare(0), x.broadcast(true));
                    continue;
                }
                Vec each = spare(vectors + i % left);
                a.vbroadcastss(each, x);
                for (int v = 0; v < vectors; v++) {
                    a.vfmadd231ps(sum(i, v), each, spare(v));
                }
            }
        }

        /** Sums of a part of the depth are added to those before, not continued from them: the error of a long sum grows with the length of its parts. */
        private void addPartial(int h) {
            Label first = new Label();
            a.mov(Gp.RCX, frame(ProductFrame.FLAGS));
            a.and(Gp.RCX, ProductFrame.CONTINUES);
            a.j(Condition.E, first);
            for (int i = 0; i < h; i++) {
                for (int v = 0; v < vectors; v++) {
                    a.vaddps(sum(i, v), sum(i, v), Mem.at(Gp.R12, (i * vectors + v) * bytes));
                }
            }
            a.bind(first);
        }

        private void end(int h) {
            Label last = new Label();
            Label done = new Label();
            addPartial(h);
            a.mov(Gp.RCX, frame(ProductFrame.FLAGS));
            a.and(Gp.RCX, ProductFrame.STOPS);
            a.j(Condition.E, last);
            for (int i = 0; i < h; i++) {
                for (int v = 0; v < vectors; v++) {
                    a.vmovups(Mem.at(Gp.R12, (i * vectors + v) * bytes), sum(i, v));
                }
            }
            a.jmp(done);
            a.bind(last);
            boolean keeps = late != null && h == mr;
            if (!keeps || !(late instanceof LateGradient)) {
                epilogue.begin(h);
            }
            if (keeps) {
                late.keep();
            } else {
                epilogue.end(h);
            }
            a.bind(done);
        }
    }
}
