package dev.jacquard.emulator;

/** Instructions that only move bits between registers. */
final class Simple {
    private Simple() {}

    static final class Narrow extends Insn {
        private final Alu32.Op op;
        private final int d;
        private final int[] s;

        Narrow(Alu32.Op op, int d, int[] s) {
            this.op = op;
            this.d = d;
            this.s = s;
        }

        @Override
        void run(Warp w, int mask) {
            int[][] r = w.r;
            op.run(w.narrow(d, mask), r[s[0]], r[s[1]], r[s[2]], r[s[3]]);
            w.settle(d, mask);
        }
    }

    static final class Wide extends Insn {
        private final Alu64.Op op;
        private final int d;
        private final int x;
        private final int y;
        private final int z;

        Wide(Alu64.Op op, int d, int x, int y, int z) {
            this.op = op;
            this.d = d;
            this.x = x;
            this.y = y;
            this.z = z;
        }

        @Override
        void run(Warp w, int mask) {
            long[][] q = w.q;
            op.run(w.wide(d, mask), q[x], q[y], q[z]);
            w.settleWide(d, mask);
        }
    }

    static final class Widening extends Insn {
        private final Alu64.Widening op;
        private final int d;
        private final int x;
        private final int y;
        private final int z;

        Widening(Alu64.Widening op, int d, int x, int y, int z) {
            this.op = op;
            this.d = d;
            this.x = x;
            this.y = y;
            this.z = z;
        }

        @Override
        void run(Warp w, int mask) {
            op.run(w.wide(d, mask), w.r[x], w.r[y], z < 0 ? null : w.q[z]);
            w.settleWide(d, mask);
        }
    }

    static final class Shift extends Insn {
        private final Alu64.Shift op;
        private final int d;
        private final int x;
        private final int y;
        private final int z;
        private final int e;

        Shift(Alu64.Shift op, int d, int x, int y, int z, int e) {
            this.op = op;
            this.d = d;
            this.x = x;
            this.y = y;
            this.z = z;
            this.e = e;
        }

        @Override
        void run(Warp w, int mask) {
            op.run(w.wide(d, mask), w.q[x], w.q[y], w.r[z], w.r[e]);
            w.settleWide(d, mask);
        }
    }

    static final class Narrowing extends Insn {
        private final Alu64.Narrowing op;
        private final int d;
        private final int x;

        Narrowing(Alu64.Narrowing op, int d, int x) {
            this.op = op;
            this.d = d;
            this.x = x;
        }

        @Override
        void run(Warp w, int mask) {
            op.run(w.narrow(d, mask), w.q[x]);
            w.settle(d, mask);
        }
    }

    /** Conversions, whatever the widths: a lane's bits to a lane's bits. */
    static final class Conversion extends Insn {
        private final Convert.Op op;
        private final boolean wideTo;
        private final boolean wideFrom;
        private final int d;
        private final int x;

        Conversion(Convert.Op op, boolean wideTo, boolean wideFrom, int d, int x) {
            this.op = op;
            this.wideTo = wideTo;
            this.wideFrom = wideFrom;
            this.d = d;
            this.x = x;
        }

        @Override
        void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                long v = op.of(wideFrom ? w.q[x][i] : w.r[x][i]);
                if (wideTo) {
                    w.q[d][i] = v;
                } else {
                    w.r[d][i] = (int) v;
                }
            }
        }
    }

    /** Picks between two values by a predicate; of either width. */
    static final class Select extends Insn {
        private final boolean wide;
        private final int d;
        private final int x;
        private final int y;
        private final int p;

        Select(boolean wide, int d, int x, int y, int p) {
            this.wide = wide;
            this.d = d;
            this.x = x;
            this.y = y;
            this.p = p;
        }

        @Override
        void run(Warp w, int mask) {
            int chosen = w.p[p];
            if (wide) {
                long[] to = w.wide(d, mask);
                long[] a = w.q[x];
                long[] b = w.q[y];
                for (int i = 0; i < to.length; i++) {
                    to[i] = (chosen >>> i & 1) != 0 ? a[i] : b[i];
                }
                w.settleWide(d, mask);
            } else {
                int[] to = w.narrow(d, mask);
                int[] a = w.r[x];
                int[] b = w.r[y];
                for (int i = 0; i < to.length; i++) {
                    to[i] = (chosen >>> i & 1) != 0 ? a[i] : b[i];
                }
                w.settle(d, mask);
            }
        }
    }

    /** A function of masks: {@code and.pred} and its like. */
    static final class Predicates extends Insn {
        private final char op;
        private final int d;
        private final int x;
        private final int y;

        Predicates(char op, int d, int x, int y) {
            this.op = op;
            this.d = d;
            this.x = x;
            this.y = y;
        }

        @Override
        void run(Warp w, int mask) {
            int a = w.p[x];
            int b = w.p[y];
            w.predicate(d, mask, combine(op, a, b));
        }

        static int combine(char op, int a, int b) {
            return switch (op) {
                case '&' -> a & b;
                case '|' -> a | b;
                case '^' -> a ^ b;
                case '~' -> ~a;
                default -> a;
            };
        }
    }

    /** A comparison, with an optional second predicate for the opposite, and an optional third operand to combine with. */
    static final class SetPredicate extends Insn {
        private final Compare.Op32 narrow;
        private final Compare.Op64 wide;
        private final int d;
        private final int opposite;
        private final int x;
        private final int y;
        private final char op;
        private final int c;
        private final boolean notC;

        SetPredicate(Compare.Op32 narrow, Compare.Op64 wide, int d, int opposite, int x, int y, char op, int c, boolean notC) {
            this.narrow = narrow;
            this.wide = wide;
            this.d = d;
            this.opposite = opposite;
            this.x = x;
            this.y = y;
            this.op = op;
            this.c = c;
            this.notC = notC;
        }

        @Override
        void run(Warp w, int mask) {
            int t = narrow != null ? narrow.run(w.r[x], w.r[y]) : wide.run(w.q[x], w.q[y]);
            int other = t;
            int yes = t;
            if (c >= 0) {
                int third = notC ? ~w.p[c] : w.p[c];
                yes = Predicates.combine(op, t, third);
                other = Predicates.combine(op, ~t, third);
            } else {
                other = ~t;
            }
            if (d >= 0) {
                w.predicate(d, mask, yes);
            }
            if (opposite >= 0) {
                w.predicate(opposite, mask, other);
            }
        }
    }

    /** {@code set}: a comparison whose result is a number. */
    static final class SetNumber extends Insn {
        private final Compare.Op32 narrow;
        private final Compare.Op64 wide;
        private final int d;
        private final int x;
        private final int y;
        private final int yes;

        SetNumber(Compare.Op32 narrow, Compare.Op64 wide, int d, int x, int y, int yes) {
            this.narrow = narrow;
            this.wide = wide;
            this.d = d;
            this.x = x;
            this.y = y;
            this.yes = yes;
        }

        @Override
        void run(Warp w, int mask) {
            int t = narrow != null ? narrow.run(w.r[x], w.r[y]) : wide.run(w.q[x], w.q[y]);
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                w.r[d][i] = (t >>> i & 1) != 0 ? yes : 0;
            }
        }
    }

    /** {@code mov} that joins parts: the first part is the lowest. */
    static final class Join extends Insn {
        private final boolean wideTo;
        private final int d;
        private final int[] parts;
        private final int partBits;

        Join(boolean wideTo, int d, int[] parts, int partBits) {
            this.wideTo = wideTo;
            this.d = d;
            this.parts = parts;
            this.partBits = partBits;
        }

        @Override
        void run(Warp w, int mask) {
            long keep = (1L << partBits) - 1;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                long v = 0;
                for (int k = 0; k < parts.length; k++) {
                    v |= (w.r[parts[k]][i] & keep) << k * partBits;
                }
                if (wideTo) {
                    w.q[d][i] = v;
                } else {
                    w.r[d][i] = (int) v;
                }
            }
        }
    }

    /** {@code mov} that takes parts; those at -1 are not wanted. */
    static final class Split extends Insn {
        private final boolean wideFrom;
        private final int[] parts;
        private final int x;
        private final int partBits;

        Split(boolean wideFrom, int[] parts, int x, int partBits) {
            this.wideFrom = wideFrom;
            this.parts = parts;
            this.x = x;
            this.partBits = partBits;
        }

        @Override
        void run(Warp w, int mask) {
            long keep = (1L << partBits) - 1;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                long v = wideFrom ? w.q[x][i] : w.r[x][i];
                for (int k = 0; k < parts.length; k++) {
                    if (parts[k] >= 0) {
                        w.r[parts[k]][i] = (int) (v >>> k * partBits & keep);
                    }
                }
            }
        }
    }

    /** Reads a clock: the number of instructions so far. */
    static final class Clock extends Insn {
        private final boolean wide;
        private final int d;

        Clock(boolean wide, int d) {
            this.wide = wide;
            this.d = d;
        }

        @Override
        void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                if (wide) {
                    w.q[d][i] = w.machine.executed();
                } else {
                    w.r[d][i] = (int) w.machine.executed();
                }
            }
        }
    }

    /** Memory is sequentially consistent here; only the search for races wants to know. */
    static final class Fence extends Insn {
        private final boolean device;

        /** @param device whether other blocks are meant too */
        Fence(boolean device) {
            this.device = device;
        }

        @Override
        void run(Warp w, int mask) {
            if (device) {
                w.machine.globalRaces().fence();
            }
        }
    }

    /** Prefetches, and what else changes nothing here. */
    static final class Nothing extends Insn {
        @Override
        void run(Warp w, int mask) {
            // Caches do not exist here.
        }
    }
}
