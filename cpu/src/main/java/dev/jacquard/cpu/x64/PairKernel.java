package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import java.util.Arrays;

/**
 * C = epilogue(A B) for a C of whole vectors and a half, 24 or 40 columns, by AVX-512: two rows of C, which lie one behind the other, are a whole number of vectors. The middle one
 * has the end of one row and the beginning of the next: it is multiplied by elements of both rows of A, the lower half by one's, the upper half by the other's.
 * {@link ProductKernel} would leave a quarter or a sixth of its lanes empty.
 *
 * <p>The argument is a {@link ProductFrame} of even rows, of one tap and one line; sums are not cut in their depth. B's packed rows are as {@link Panels} has them, but for what
 * lies behind their columns: that is the first eight columns again ({@link PackKernel}).
 *
 * @param columns an odd multiple of eight: all of C's, whose rows have no gaps
 * @param aRow bytes from a row of A to the next
 * @param ahead whether A is read once and too large for the caches: it is asked for before it is needed
 * @param epilogue what is done to the sums
 * @param gated whether element p of each row of A is multiplied by gate p: of B, in truth
 */
record PairKernel(int columns, int aRow, boolean ahead, Epilogue epilogue, boolean gated) implements Kernel.Spec {
    private static final InstructionSet SET = InstructionSet.AVX512;
    private static final int LANES = 16;
    private static final int BYTES = 64;

    /** Whether there is such a kernel for so many columns. It sums nothing up and rectifies nothing. @param depth of the sums */
    static boolean takes(InstructionSet set, int columns, int depth, Epilogue epilogue) {
        return set == SET && (columns == 24 || columns == 40) && depth <= ProductKernel.LONGEST_SUM && epilogue.sums() == Epilogue.Sums.NONE && !epilogue.rectified();
    }

    /** Rows of a tile. */
    static int tileRows(int columns) {
        // A quarter of the registers or less is for B and A.
        return 2 * (25 / vectors(columns));
    }

    private static int vectors(int columns) {
        return 2 * columns / LANES;
    }

    @Override
    public void emit(Assembler a) {
        new Emitter(a, this).emit();
    }

    /** Registers: rdi frame, r15 rows left, r14 A, rdx C, rbx residual; of a tile: rax A as it goes, rsi B, rcx counts depth, r8 gate, r11 A ahead, r9 residual ahead. */
    private static final class Emitter {
        private static final int UNROLL = ProductFrame.STEPS;
        /** How far ahead, in bytes, B is asked for: it streams from the second-level cache. */
        private static final int B_AHEAD = 1024;
        /** Masks of the lower and of the upper half of a vector. */
        private static final int LOW = 1;
        private static final int HIGH = 2;

        private final Assembler a;
        private final PairKernel k;
        private final ChannelCode channels;
        private final int vectors;
        private final int middle;
        private final int most;

        Emitter(Assembler a, PairKernel k) {
            this.a = a;
            this.k = k;
            channels = new ChannelCode(a, SET, k.epilogue);
            vectors = vectors(k.columns);
            middle = vectors / 2;
            most = tileRows(k.columns) / 2;
        }

        void emit() {
            a.enter(0);
            a.mov(Gp.RAX, 0x00ff);
            a.kmov(LOW, Gp.RAX, 16);
            a.mov(Gp.RAX, 0xff00);
            a.kmov(HIGH, Gp.RAX, 16);
            a.mov(Gp.R14, frame(ProductFrame.A));
            a.mov(Gp.RDX, frame(ProductFrame.C));
            if (k.epilogue.residual()) {
                a.mov(Gp.RBX, frame(ProductFrame.BESIDE));
            }
            a.mov(Gp.R15, frame(ProductFrame.COUNT));
            for (int pairs = most; pairs > 0; pairs /= 2) {
                Label next = new Label();
                a.cmp(Gp.R15, 2 * pairs);
                a.j(Condition.L, next);
                Label loop = a.here();
                tile(pairs, 2 * pairs);
                a.cmp(Gp.R15, 2 * pairs);
                a.j(Condition.GE, loop);
                a.bind(next);
            }
            Label done = new Label();
            a.test(Gp.R15, Gp.R15);
            a.j(Condition.E, done);
            tile(1, 1);
            a.bind(done);
            a.leave(0);
        }

        private static Mem frame(int at) {
            return Mem.at(Gp.RDI, at);
        }

        private Vec sum(int pair, int v) {
            return SET.vec(pair * vectors + v);
        }

        private Vec b(int v) {
            return SET.vec(SET.registers() - 1 - v);
        }

        /** Registers beside the sums and B. */
        private Vec spare(int n) {
            int left = SET.registers() - (most + 1) * vectors;
            return SET.vec(most * vectors + n % left);
        }

        /** Bytes from a row of columns to those of a pair's vector. */
        private int at(int v) {
            return v <= middle ? v * BYTES : (v - middle) * BYTES - BYTES / 2;
        }

        private void tile(int pairs, int rows) {
            for (int i = 0; i < pairs * vectors; i++) {
                a.vxorps(SET.vec(i), SET.vec(i), SET.vec(i));
            }
            a.mov(Gp.RSI, frame(ProductFrame.B));
            a.mov(Gp.RAX, Gp.R14);
            if (k.gated) {
                a.mov(Gp.R8, frame(ProductFrame.GATE));
            }
            if (k.ahead) {
                a.mov(Gp.R11, Gp.R14);
                a.add(Gp.R11, frame(ProductFrame.AHEAD));
            }
            if (k.epilogue.residual()) {
                a.lea(Gp.R9, Mem.at(Gp.RBX, rows * 4 * k.columns));
            }
            depth(pairs, rows);
            perChannel(pairs);
            if (k.epilogue.residual()) {
                addResidual(pairs, rows);
                a.add(Gp.RBX, rows * 4 * k.columns);
            }
            activate(pairs);
            store(pairs, rows);
            a.add(Gp.R14, rows * k.aRow);
            a.add(Gp.RDX, rows * 4 * k.columns);
            a.sub(Gp.R15, rows);
        }

        private void depth(int pairs, int rows) {
            Label rest = new Label();
            Label done = new Label();
            a.mov(Gp.RCX, frame(ProductFrame.DEPTH));
            if (pairs == most) {
                a.shr(Gp.RCX, Integer.numberOfTrailingZeros(UNROLL));
                a.j(Condition.E, rest);
                a.align(32);
                Label loop = a.here();
                for (int u = 0; u < UNROLL; u++) {
                    step(pairs, rows, u);
                }
                askAhead(rows);
                advance(UNROLL);
                a.dec(Gp.RCX);
                a.j(Condition.NE, loop);
                a.bind(rest);
                a.mov(Gp.RCX, frame(ProductFrame.DEPTH));
                a.and(Gp.RCX, UNROLL - 1);
            } else {
                a.test(Gp.RCX, Gp.RCX);
            }
            a.j(Condition.E, done);
            Label one = a.here();
            step(pairs, rows, 0);
            advance(1);
            a.dec(Gp.RCX);
            a.j(Condition.NE, one);
            a.bind(done);
        }

        /** Rows of A as far as the steps just taken, and a line of the residual of the next tile. */
        private void askAhead(int rows) {
            if (k.ahead) {
                for (int line = 0; line < rows * UNROLL * 4; line += BYTES) {
                    a.prefetcht0(Mem.at(Gp.R11, line));
                }
                a.add(Gp.R11, rows * UNROLL * 4);
            }
            if (k.epilogue.residual()) {
                a.prefetcht0(Mem.at(Gp.R9));
                a.add(Gp.R9, BYTES);
            }
        }

        private int rowBytes() {
            return Math.ceilDiv(k.columns, LANES) * BYTES;
        }

        private void advance(int steps) {
            a.add(Gp.RSI, steps * rowBytes());
            a.add(Gp.RAX, steps * 4);
            if (k.gated) {
                a.add(Gp.R8, steps * 4);
            }
        }

        private void step(int pairs, int rows, int u) {
            if (k.gated) {
                a.vbroadcastss(spare(0), Mem.at(Gp.R8, 4 * u));
            }
            for (int v = 0; v < vectors; v++) {
                Mem from = Mem.at(Gp.RSI, u * rowBytes() + at(v));
                if (k.gated) {
                    a.vmulps(b(v), spare(0), from);
                } else {
                    a.vmovups(b(v), from);
                }
            }
            for (int line = 0; line < rowBytes() && pairs == most; line += BYTES) {
                a.prefetcht0(Mem.at(Gp.RSI, u * rowBytes() + line + B_AHEAD));
            }
            for (int i = 0; i < pairs; i++) {
                Vec upper = spare(2 * i);
                Vec lower = spare(2 * i + 1);
                a.vbroadcastss(upper, Mem.at(Gp.RAX, 2 * i * k.aRow + 4 * u));
                for (int v = 0; v < middle; v++) {
                    a.vfmadd231ps(sum(i, v), upper, b(v));
                }
                a.vbroadcastss(lower, Mem.at(Gp.RAX, (rows == 1 ? 0 : (2 * i + 1) * k.aRow) + 4 * u));
                for (int v = middle + 1; v < vectors; v++) {
                    a.vfmadd231ps(sum(i, v), lower, b(v));
                }
                a.vmovups(upper.masked(HIGH), lower);
                a.vfmadd231ps(sum(i, middle), upper, b(middle));
            }
        }

        /** A number per column, as a pair has its columns; nothing beyond the last column is read. */
        private void load(Vec to, Gp from, int v) {
            if (v == middle) {
                a.vmovups(to.zeroed(LOW), Mem.at(from, at(v)));
                a.vmovups(to.masked(HIGH), Mem.at(from, -BYTES / 2));
            } else {
                a.vmovups(to, Mem.at(from, at(v)));
            }
        }

        private void perChannel(int pairs) {
            Epilogue e = k.epilogue;
            if (e.scale()) {
                a.mov(Gp.RCX, frame(ProductFrame.SCALE));
            }
            if (e.shift()) {
                a.mov(Gp.RSI, frame(ProductFrame.SHIFT));
            }
            Vec scale = b(0);
            Vec shift = b(1);
            for (int v = 0; v < vectors && (e.scale() || e.shift()); v++) {
                if (e.scale()) {
                    load(scale, Gp.RCX, v);
                }
                if (e.shift()) {
                    load(shift, Gp.RSI, v);
                }
                channels.prepare(scale, shift);
                for (int i = 0; i < pairs; i++) {
                    channels.apply(sum(i, v), scale, shift);
                }
            }
        }

        /** Of a single row: the middle vector is its last, half of it. */
        private boolean isHalf(int rows, int v) {
            return rows == 1 && v == middle;
        }

        private int stored(int rows) {
            return rows == 1 ? middle + 1 : vectors;
        }

        private void addResidual(int pairs, int rows) {
            for (int i = 0; i < pairs; i++) {
                for (int v = 0; v < stored(rows); v++) {
                    a.vmovups(isHalf(rows, v) ? b(0).zeroed(LOW) : b(0), Mem.at(Gp.RBX, (i * vectors + v) * BYTES));
                    a.vaddps(sum(i, v), sum(i, v), b(0));
                }
            }
        }

        private void activate(int pairs) {
            Vec[] sums = new Vec[pairs * vectors];
            Arrays.setAll(sums, SET::vec);
            Vec[] free = new Vec[SET.registers() - most * vectors];
            Arrays.setAll(free, i -> SET.vec(most * vectors + i));
            channels.activate(sums, free);
        }

        private void store(int pairs, int rows) {
            for (int i = 0; i < pairs; i++) {
                for (int v = 0; v < stored(rows); v++) {
                    Mem to = Mem.at(Gp.RDX, (i * vectors + v) * BYTES);
                    a.vmovups(isHalf(rows, v) ? to.masked(LOW) : to, sum(i, v));
                }
            }
        }
    }
}
