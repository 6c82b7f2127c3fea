package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Space;

/** Rare instructions that test or set a predicate, or join two conversions. */
final class Spaces {
    private Spaces() {}

    /** {@code isspacep}. */
    static final class Is extends Insn {
        private final Space space;
        private final int d;
        private final int x;

        Is(Space space, int d, int x) {
            this.space = space;
            this.d = d;
            this.x = x;
        }

        @Override
        void run(Warp w, int mask) {
            int result = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                long a = w.q[x][i];
                boolean shared = Windows.in(Windows.SHARED, a);
                boolean local = Windows.in(Windows.LOCAL, a);
                boolean yes = switch (space) {
                    case SHARED -> shared;
                    case LOCAL -> local;
                    case PARAM -> Windows.in(Windows.PARAM, a);
                    default -> !shared && !local;
                };
                result |= (yes ? 1 : 0) << i;
            }
            w.predicate(d, mask, result);
        }
    }

    /** {@code testp}. */
    static final class Test extends Insn {
        private final String what;
        private final boolean wide;
        private final int d;
        private final int x;

        Test(String what, boolean wide, int d, int x) {
            this.what = what;
            this.wide = wide;
            this.d = d;
            this.x = x;
        }

        @Override
        void run(Warp w, int mask) {
            int result = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                double v = wide ? Floats.d(w.q[x][i]) : Floats.f(w.r[x][i]);
                double least = wide ? Double.MIN_NORMAL : Float.MIN_NORMAL;
                boolean yes = switch (what) {
                    case "finite" -> Double.isFinite(v);
                    case "infinite" -> Double.isInfinite(v);
                    case "number" -> !Double.isNaN(v);
                    case "notanumber" -> Double.isNaN(v);
                    case "normal" -> Double.isFinite(v) && Math.abs(v) >= least;
                    default -> Math.abs(v) < least; // subnormal; zero is one for PTX
                };
                result |= (yes ? 1 : 0) << i;
            }
            w.predicate(d, mask, result);
        }
    }

    /** {@code mov.pred} of a constant. */
    static final class SetMask extends Insn {
        private final int d;
        private final int value;

        SetMask(int d, int value) {
            this.d = d;
            this.value = value;
        }

        @Override
        void run(Warp w, int mask) {
            w.predicate(d, mask, value);
        }
    }

    /** {@code cvt} of two floats to a pair of 16-bit ones. */
    static final class ConvertPair extends Insn {
        private final Convert.Op op;
        private final int d;
        private final int high;
        private final int low;

        ConvertPair(Convert.Op op, int d, int high, int low) {
            this.op = op;
            this.d = d;
            this.high = high;
            this.low = low;
        }

        @Override
        void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                w.r[d][i] = (int) op.of(w.r[high][i]) << 16 | (int) op.of(w.r[low][i]) & 0xffff;
            }
        }
    }
}
