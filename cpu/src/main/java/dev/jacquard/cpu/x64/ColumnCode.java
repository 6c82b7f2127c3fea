package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Sums per channel over rows. Arguments: rows, channels, p, bytes from row to row of p, q, the same of q, center, out1, out2.
 *
 * @param set instruction set
 * @param kind what is summed
 */
record ColumnCode(InstructionSet set, Kind kind) implements Kernel.Spec {
    /** What is summed to where; p and q are the rows' elements. */
    enum Kind {
        /** out1 = sum of p. */
        SUMS,
        /** out1 = sum of p, with what each addition lost (Kahan 1965), so that errors do not grow with the number of rows. */
        EXACT_SUMS,
        /** out1 = sum of p - center, out2 = that of its squares. */
        MOMENTS,
        /** out1 = sum of p, out2 = sum of p (q - center). */
        DOTS,
        /** out1 += sum of p q. */
        PRODUCTS
    }

    private static final Gp ROWS = Gp.RDI;
    private static final Gp CHANNELS = Gp.RSI;
    private static final Gp P = Gp.RDX;
    private static final Gp P_ROW = Gp.RCX;
    private static final Gp Q = Gp.R8;
    private static final Gp Q_ROW = Gp.R9;
    private static final Gp CENTER = Gp.R10;
    private static final Gp OUT1 = Gp.R11;
    private static final Gp OUT2 = Gp.RBX;
    private static final Gp COUNTER = Gp.RAX;
    private static final Gp AT_P = Gp.R12;
    private static final Gp AT_Q = Gp.R13;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(CENTER, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        a.mov(OUT1, Mem.at(Gp.RSP, Assembler.argument(7, 0)));
        a.mov(OUT2, Mem.at(Gp.RSP, Assembler.argument(8, 0)));
        // Accumulators are registers 8 and on, two for a vector; AVX2 has 14 and 15 for the mask.
        new Loop(a).emit(ROWS, CHANNELS, COUNTER, List.of(P, Q, CENTER, OUT1, OUT2), set == InstructionSet.AVX512 ? 8 : 2);
        a.leave(0);
    }

    private final class Loop extends ColumnLoop {
        private final Vec x = set.vec(0);
        private final Vec y = set.vec(1);
        private final Vec center = set.vec(2);

        Loop(Assembler a) {
            super(a, ColumnCode.this.set);
        }

        @Override
        void begin(int width, boolean rest) {
            a.mov(AT_P, P);
            a.mov(AT_Q, Q);
            for (int i = 0; i < width; i++) {
                if (kind == Kind.PRODUCTS) {
                    lanes.load(sum(0, i), Mem.at(OUT1, i * set.bytes()), rest);
                } else {
                    zero(sum(0, i));
                }
                zero(sum(1, i));
            }
            if (rest && (kind == Kind.MOMENTS || kind == Kind.DOTS)) {
                lanes.load(center, Mem.at(CENTER), true);
            }
        }

        @Override
        void row(int width, boolean rest) {
            for (int i = 0; i < width; i++) {
                int at = i * set.bytes();
                Operand middle = rest ? center : Mem.at(CENTER, at);
                lanes.load(x, Mem.at(AT_P, at), rest);
                switch (kind) {
                    case SUMS -> a.vaddps(sum(0, i), sum(0, i), x);
                    case EXACT_SUMS -> {
                        Vec sum = sum(0, i);
                        Vec error = sum(1, i);
                        a.vsubps(x, x, error);
                        a.vaddps(y, sum, x);
                        a.vsubps(error, y, sum);
                        a.vsubps(error, error, x);
                        a.vmovups(sum, y);
                    }
                    case MOMENTS -> {
                        a.vsubps(x, x, middle);
                        a.vaddps(sum(0, i), sum(0, i), x);
                        a.vfmadd231ps(sum(1, i), x, x);
                    }
                    case DOTS -> {
                        lanes.load(y, Mem.at(AT_Q, at), rest);
                        a.vsubps(y, y, middle);
                        a.vaddps(sum(0, i), sum(0, i), x);
                        a.vfmadd231ps(sum(1, i), x, y);
                    }
                    case PRODUCTS -> {
                        lanes.load(y, Mem.at(AT_Q, at), rest);
                        a.vfmadd231ps(sum(0, i), x, y);
                    }
                }
            }
        }

        @Override
        void next() {
            a.add(AT_P, P_ROW);
            a.add(AT_Q, Q_ROW);
        }

        @Override
        void end(int width, boolean rest) {
            for (int i = 0; i < width; i++) {
                lanes.store(Mem.at(OUT1, i * set.bytes()), sum(0, i), rest);
                if (kind == Kind.MOMENTS || kind == Kind.DOTS) {
                    lanes.store(Mem.at(OUT2, i * set.bytes()), sum(1, i), rest);
                }
            }
        }
    }
}
