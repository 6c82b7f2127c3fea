package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import dev.jacquard.tensor.op.Nonlinearity;
import java.util.Arrays;

/**
 * One panel of a product of few steps of depth, by AVX-512: C (rows, columns) = epilogue(A B), where {@link ProductKernel} would spend a quarter of its time on what comes after
 * the sums. The number of steps is known, and so:
 * <ul>
 * <li>Scales go into a copy of the panel, once per call, and shifts are added, for which there are units that do not multiply: neither costs multiply-adds of the tile.
 * <li>SiLU of a tile, whose sums are kept in the frame, is spread evenly over the steps of the next one ({@link LateSilu} says why). What the first tile takes for those of a tile
 * before it is stored to its own rows, which its own results overwrite.
 * <li>There are no low tiles: the last one of a line begins as far before its end as it has rows, some of which are then computed twice.
 * </ul>
 *
 * <p>The argument is a {@link ProductFrame} with {@link #frameBytes} of room, of as many rows as a tile has, or more.
 *
 * @param depth steps of a tap
 * @param taps of these
 * @param tap bytes from a tap's first element of A to the next tap's
 * @param aRow bytes from a row of A to the next
 * @param cRow bytes from a row of C to the next
 * @param rows of a tile: see {@link #tileRows}
 * @param vectors width of the panel
 * @param columns of these are stored
 * @param epilogue one that {@link #takes}
 * @param ahead whether A is contiguous, read once and too large for the caches: it is asked for before it is needed
 * @param streams whether C goes past the caches; its rows lie on whole vectors then
 */
record ShallowKernel(int depth, int taps, int tap, int aRow, int cRow, int rows, int vectors, int columns, Epilogue epilogue, boolean ahead, boolean streams)
        implements Kernel.Spec {
    /** Most steps with SiLU: of more, {@link ProductKernel} makes as much, with a panel that leaves its cache more room. */
    private static final int MOST_STEPS = 48;
    /** Most steps without, all of which are code: more of it would be decoded again for each tile. */
    private static final int MOST_CODE = 31;
    private static final InstructionSet SET = InstructionSet.AVX512;
    private static final int BYTES = 64;
    /** Where in the frame the panel's copy is: first its shifts, then its rows. */
    private static final int COPY = ProductFrame.END;

    /** Whether there is such a kernel. @param steps depth of all taps */
    static boolean takes(InstructionSet set, int steps, Epilogue e) {
        boolean known = e.scale() == e.shift() && (e.scale() || e.activation() == Nonlinearity.NONE) && !e.residual() && !e.rectified() && e.sums() == Epilogue.Sums.NONE;
        return set == SET && known && steps > 0 && steps <= (e.activation() == Nonlinearity.SILU ? MOST_STEPS : MOST_CODE);
    }

    /** Rows of a tile, so that rows computed twice are few. @param count rows of a line */
    static int tileRows(int vectors, int count) {
        int best = ProductKernel.tileRows(SET, vectors);
        for (int h = best - 1; h * vectors >= 16; h--) {
            if (Math.ceilDiv(count, h) * h < Math.ceilDiv(count, best) * best) {
                best = h;
            }
        }
        return best;
    }

    /** Bytes of a frame. @param steps depth of all taps @param vectors of the widest panel */
    static int frameBytes(int steps, int vectors) {
        return COPY + (1 + steps) * vectors * BYTES;
    }

    @Override
    public void emit(Assembler a) {
        new Emitter(a, this).emit();
    }

    /**
     * Registers: rdi frame, r14 A, rdx C, rsi panel, r15 rows left, r13 lines left, rbx rows of C whose sums are kept; of a tile as it goes: rax A, r9 panel, r8 C, r10 kept
     * sums, r11 A ahead, rcx parts left.
     */
    private static final class Emitter {
        private static final int TAIL = 1;
        /** Fewest steps of a part. */
        private static final int LEAST = 4;

        private final Assembler a;
        private final ShallowKernel k;
        private final ChannelCode channels;
        private final int steps;
        private final int sums;
        private final boolean late;
        /** Into how many equal parts of code steps and rows are cut: all of it at once would not fit where decoded instructions are kept. */
        private final int parts;
        private final int middle;
        private final Activations silu;
        /** Registers beside the sums that a step, or a vector of SiLU, may overwrite. */
        private final Vec[] free;

        Emitter(Assembler a, ShallowKernel k) {
            this.a = a;
            this.k = k;
            channels = new ChannelCode(a, SET, k.epilogue);
            steps = k.depth * k.taps;
            sums = k.rows * k.vectors;
            late = channels.scaled();
            parts = late && k.taps == 1 ? parts() : 1;
            // Displacements of one byte reach as far to either side.
            middle = k.rows * k.aRow / 2 & -4;
            Vec[] beside = new Vec[SET.registers() - sums];
            Arrays.setAll(beside, i -> SET.vec(SET.registers() - 1 - i));
            free = Arrays.copyOf(beside, Math.max(k.vectors + 2, 1 + Activations.TEMPORARIES));
            Vec[] temporaries = new Vec[Activations.TEMPORARIES + beside.length - free.length];
            System.arraycopy(beside, 1, temporaries, 0, Activations.TEMPORARIES);
            System.arraycopy(beside, free.length, temporaries, Activations.TEMPORARIES, beside.length - free.length);
            silu = new Activations(a, SET, temporaries);
        }

        private int parts() {
            int parts = 1;
            for (int p = 1; p <= k.rows && steps / p >= LEAST; p++) {
                parts = k.rows % p == 0 ? p : parts;
            }
            return parts;
        }

        void emit() {
            a.enter(0);
            if (ragged()) {
                a.mov(Gp.RAX, (1L << k.columns - (k.vectors - 1) * SET.lanes()) - 1);
                a.kmov(TAIL, Gp.RAX, 16);
            }
            a.mov(Gp.RSI, frame(ProductFrame.B));
            if (k.epilogue.scale()) {
                copyPanel();
            }
            if (late) {
                silu.holdForScaled();
            }
            a.mov(Gp.R14, frame(ProductFrame.A));
            a.mov(Gp.RDX, frame(ProductFrame.C));
            a.mov(Gp.RBX, Gp.RDX);
            a.mov(Gp.R13, frame(ProductFrame.LINES));
            Label line = a.here();
            line();
            a.add(Gp.R14, frame(ProductFrame.LINE_STEP));
            a.dec(Gp.R13);
            a.j(Condition.NE, line);
            if (late) {
                a.lea(Gp.R10, frame(ProductFrame.KEPT));
            }
            for (int i = 0; i < sums && late; i++) {
                activateKept(i);
            }
            if (k.streams) {
                a.sfence();
            }
            a.leave(0);
        }

        private static Mem frame(int at) {
            return Mem.at(Gp.RDI, at);
        }

        private boolean ragged() {
            return k.columns < k.vectors * SET.lanes();
        }

        private Vec sum(int i, int v) {
            return SET.vec(i * k.vectors + v);
        }

        /** Makes a copy of the panel, times the scales, behind the shifts. */
        private void copyPanel() {
            a.mov(Gp.RAX, frame(ProductFrame.SCALE));
            a.mov(Gp.RCX, frame(ProductFrame.SHIFT));
            a.lea(Gp.R8, frame(COPY));
            for (int v = 0; v < k.vectors; v++) {
                Vec scale = SET.vec(v);
                Vec shift = SET.vec(k.vectors);
                boolean tail = ragged() && v == k.vectors - 1;
                a.vmovups(tail ? scale.zeroed(TAIL) : scale, Mem.at(Gp.RAX, v * BYTES));
                a.vmovups(tail ? shift.zeroed(TAIL) : shift, Mem.at(Gp.RCX, v * BYTES));
                channels.prepare(scale, shift);
                a.vmovups(Mem.at(Gp.R8, v * BYTES), shift);
            }
            a.mov(Gp.RCX, steps);
            Label step = a.here();
            a.add(Gp.R8, k.vectors * BYTES);
            for (int v = 0; v < k.vectors; v++) {
                a.vmulps(SET.vec(k.vectors), SET.vec(v), Mem.at(Gp.RSI, v * BYTES));
                a.vmovups(Mem.at(Gp.R8, v * BYTES), SET.vec(k.vectors));
            }
            a.add(Gp.RSI, k.vectors * BYTES);
            a.dec(Gp.RCX);
            a.j(Condition.NE, step);
            a.lea(Gp.RSI, frame(COPY + k.vectors * BYTES));
        }

        private void line() {
            Label done = new Label();
            a.mov(Gp.R15, frame(ProductFrame.COUNT));
            a.align(32);
            Label tile = a.here();
            tile();
            a.add(Gp.R14, k.rows * k.aRow);
            a.add(Gp.RDX, k.rows * k.cRow);
            a.sub(Gp.R15, k.rows);
            a.j(Condition.E, done);
            a.cmp(Gp.R15, k.rows);
            a.j(Condition.GE, tile);
            a.sub(Gp.R15, k.rows);
            a.imul(Gp.RCX, Gp.R15, k.aRow);
            a.add(Gp.R14, Gp.RCX);
            a.imul(Gp.RCX, Gp.R15, k.cRow);
            a.add(Gp.RDX, Gp.RCX);
            a.mov(Gp.R15, k.rows);
            a.jmp(tile);
            a.bind(done);
        }

        private void tile() {
            if (k.ahead) {
                a.mov(Gp.R11, Gp.R14);
                a.add(Gp.R11, frame(ProductFrame.AHEAD));
            }
            a.lea(Gp.RAX, Mem.at(Gp.R14, middle));
            a.mov(Gp.R9, Gp.RSI);
            a.mov(Gp.R8, Gp.RDX);
            if (parts > 1) {
                allParts();
            } else {
                steps(0, steps, late ? sums : 0, lines());
            }
            if (late) {
                for (int i = 0; i < sums; i++) {
                    a.vmovups(frame(ProductFrame.KEPT + i * BYTES), SET.vec(i));
                }
                a.mov(Gp.RBX, Gp.RDX);
            } else {
                end();
            }
        }

        /** Lines of A that a tile asks for. */
        private int lines() {
            return k.ahead ? Math.ceilDiv(k.rows * k.aRow, BYTES) : 0;
        }

        private void allParts() {
            int each = steps / parts;
            a.lea(Gp.R10, frame(ProductFrame.KEPT));
            part(0, each);
            a.mov(Gp.RCX, parts - 1);
            Label part = a.here();
            part(each, each);
            a.dec(Gp.RCX);
            a.j(Condition.NE, part);
            steps(steps, steps - each * parts, 0, 0);
        }

        private void part(int from, int each) {
            int lines = Math.ceilDiv(lines(), parts);
            steps(from, each, sums / parts, lines);
            a.add(Gp.RAX, 4 * each);
            a.add(Gp.R9, each * k.vectors * BYTES);
            a.add(Gp.R10, sums / parts * BYTES);
            a.add(Gp.RBX, k.rows / parts * k.cRow);
            a.add(Gp.R8, k.rows / parts * k.cRow);
            if (k.ahead) {
                a.add(Gp.R11, lines * BYTES);
            }
        }

        /** Steps, and as evenly between them vectors of SiLU and lines that are asked for. */
        private void steps(int from, int count, int vectors, int lines) {
            for (int s = 0; s < count; s++) {
                for (int i = vectors * s / count; i < vectors * (s + 1) / count; i++) {
                    activateKept(i);
                    askForRow(i);
                }
                for (int i = lines * s / count; i < lines * (s + 1) / count; i++) {
                    a.prefetcht0(Mem.at(Gp.R11, i * BYTES));
                }
                if (s > 0 && s % k.depth == 0) {
                    a.add(Gp.RAX, k.tap);
                }
                step(s, from + s == 0);
            }
        }

        /** Asks for a line of C in which this tile's results will be: stores that wait for theirs hold up those behind them. */
        private void askForRow(int i) {
            if (!k.streams && parts > 1) {
                a.prefetcht0(Mem.at(Gp.R8, i / k.vectors * k.cRow + i % k.vectors * BYTES));
            }
        }

        private void step(int s, boolean first) {
            for (int v = 0; v < k.vectors; v++) {
                a.vmovups(free[v], Mem.at(Gp.R9, (s * k.vectors + v) * BYTES));
            }
            for (int i = 0; i < k.rows; i++) {
                Mem x = Mem.at(Gp.RAX, i * k.aRow + s % k.depth * 4 - middle);
                if (k.vectors == 1) {
                    multiply(sum(i, 0), free[0], x.broadcast(true), first);
                    continue;
                }
                Vec each = free[k.vectors + i % (free.length - k.vectors)];
                a.vbroadcastss(each, x);
                for (int v = 0; v < k.vectors; v++) {
                    multiply(sum(i, v), free[v], each, first);
                }
            }
        }

        /** A sum's next product. The first makes it: registers that begin with a load, and are kept in the end, cost 30 cycles more per tile. */
        private void multiply(Vec sum, Vec x, Operand y, boolean first) {
            if (first) {
                a.vmulps(sum, x, y);
            } else {
                a.vfmadd231ps(sum, x, y);
            }
        }

        /** SiLU of a vector of the kept sums, and its store. */
        private void activateKept(int i) {
            a.vmovups(free[0], parts > 1 ? Mem.at(Gp.R10, i * BYTES) : frame(ProductFrame.KEPT + i * BYTES));
            a.vaddps(free[0], free[0], shift(i));
            silu.scaledSilu(free[0]);
            put(Gp.RBX, i, free[0]);
        }

        private Mem shift(int i) {
            return Mem.at(Gp.RSI, (i % k.vectors - k.vectors) * BYTES);
        }

        private void end() {
            for (int i = 0; i < sums && k.epilogue.shift(); i++) {
                a.vaddps(SET.vec(i), SET.vec(i), shift(i));
            }
            if (k.epilogue.activation() == Nonlinearity.RELU) {
                Activations relu = new Activations(a, SET, free);
                for (int i = 0; i < sums; i++) {
                    relu.relu(SET.vec(i));
                }
            }
            for (int i = 0; i < sums; i++) {
                put(Gp.RDX, i, SET.vec(i));
            }
        }

        private void put(Gp rows, int i, Vec from) {
            int v = i % k.vectors;
            Mem to = Mem.at(rows, i / k.vectors * k.cRow + v * BYTES);
            if (k.streams) {
                a.vmovntps(to, from);
            } else {
                a.vmovups(ragged() && v == k.vectors - 1 ? to.masked(TAIL) : to, from);
            }
        }
    }
}
