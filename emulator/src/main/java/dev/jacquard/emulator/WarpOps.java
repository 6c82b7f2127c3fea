package dev.jacquard.emulator;

/** Instructions in which lanes of a warp meet. */
final class WarpOps {
    private WarpOps() {}

    /** Checks that all lanes of a member mask that still live are here. */
    private static void members(Warp w, int mask, int members, int lane, String what) {
        if ((members >>> lane & 1) == 0) {
            throw new Fault(lane, what + " by lane " + lane + " that its own mask " + hex(members) + " does not name");
        }
        int missing = members & w.alive & ~mask;
        if (missing != 0) {
            int other = Integer.numberOfTrailingZeros(missing);
            throw new Fault(lane, what + " whose mask " + hex(members) + " names lane " + other + ", which is elsewhere: running lanes are " + hex(mask));
        }
    }

    private static String hex(int mask) {
        return "0x%08x".formatted(mask);
    }

    /** {@code shfl.sync}. */
    static final class Shuffle extends Insn {
        private final char mode;
        private final int d;
        private final int p;
        private final int x;
        private final int y;
        private final int c;
        private final int members;
        private final int[] out = new int[Warp.LANES];

        /** @param mode first letter of up, down, bfly, idx */
        Shuffle(char mode, int d, int p, int x, int y, int c, int members) {
            this.mode = mode;
            this.d = d;
            this.p = p;
            this.x = x;
            this.y = y;
            this.c = c;
            this.members = members;
        }

        @Override
        void run(Warp w, int mask) {
            w.round++;
            int[] from = w.r[x];
            int inside = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                members(w, mask, w.r[members][i], i, "shuffle");
                int b = w.r[y][i] & 31;
                int clamp = w.r[c][i] & 31;
                int segment = w.r[c][i] >>> 8 & 31;
                int low = i & segment;
                int high = low | clamp & ~segment;
                int j = switch (mode) {
                    case 'u' -> i - b;
                    case 'd' -> i + b;
                    case 'b' -> i ^ b;
                    default -> low | b & ~segment;
                };
                boolean in = mode == 'u' ? j >= high : j <= high;
                if (!in) {
                    j = i;
                }
                if ((mask >>> j & 1) == 0) {
                    throw new Fault(i, "wrong shuffle lane: lane " + i + " reads lane " + j + ", which is not running: running lanes are " + hex(mask));
                }
                if ((w.r[members][i] >>> j & 1) == 0) {
                    throw new Fault(i, "wrong shuffle lane: lane " + i + " reads lane " + j + ", which the mask " + hex(w.r[members][i]) + " does not name");
                }
                out[i] = from[j];
                inside |= (in ? 1 : 0) << i;
            }
            if (d >= 0) {
                w.write(d, mask, out);
            }
            if (p >= 0) {
                w.predicate(p, mask, inside);
            }
        }
    }

    /** {@code vote.sync}, and {@code activemask}. */
    static final class Vote extends Insn {
        private final String mode;
        private final int d;
        private final int p;
        private final boolean not;
        private final int members;

        Vote(String mode, int d, int p, boolean not, int members) {
            this.mode = mode;
            this.d = d;
            this.p = p;
            this.not = not;
            this.members = members;
        }

        @Override
        void run(Warp w, int mask) {
            w.round += members >= 0 ? 1 : 0; // activemask orders nothing
            int value = p < 0 ? -1 : not ? ~w.p[p] : w.p[p];
            int[] to = mode.equals("ballot") ? w.r[d] : null;
            int result = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                int who = mask;
                if (members >= 0) {
                    members(w, mask, w.r[members][i], i, "vote");
                    who &= w.r[members][i];
                }
                int yes = value & who;
                boolean r = switch (mode) {
                    case "all" -> yes == who;
                    case "any" -> yes != 0;
                    case "uni" -> yes == who || yes == 0;
                    default -> false;
                };
                result |= (r ? 1 : 0) << i;
                if (to != null) {
                    to[i] = yes;
                }
            }
            if (to == null) {
                w.predicate(d, mask, result);
            }
        }
    }

    /** {@code match.sync}: which lanes hold the same value. */
    static final class Match extends Insn {
        private final boolean all;
        private final boolean wide;
        private final int d;
        private final int p;
        private final int x;
        private final int members;

        Match(boolean all, boolean wide, int d, int p, int x, int members) {
            this.all = all;
            this.wide = wide;
            this.d = d;
            this.p = p;
            this.x = x;
            this.members = members;
        }

        @Override
        void run(Warp w, int mask) {
            w.round++;
            int[] out = new int[Warp.LANES];
            int same = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                int who = w.r[members][i];
                members(w, mask, who, i, "match");
                for (int n = who & mask; n != 0; n &= n - 1) {
                    int j = Integer.numberOfTrailingZeros(n);
                    out[i] |= (wide ? w.q[x][i] == w.q[x][j] : w.r[x][i] == w.r[x][j]) ? 1 << j : 0;
                }
                if (out[i] == (who & mask)) {
                    same |= 1 << i;
                } else if (all) {
                    out[i] = 0;
                }
            }
            w.write(d, mask, out);
            if (p >= 0) {
                w.predicate(p, mask, same);
            }
        }
    }

    /** {@code redux.sync}. */
    static final class Reduce extends Insn {
        private final String op;
        private final boolean signed;
        private final int d;
        private final int x;
        private final int members;

        Reduce(String op, boolean signed, int d, int x, int members) {
            this.op = op;
            this.signed = signed;
            this.d = d;
            this.x = x;
            this.members = members;
        }

        @Override
        void run(Warp w, int mask) {
            w.round++;
            int[] out = new int[Warp.LANES];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                members(w, mask, w.r[members][i], i, "reduction");
                int r = w.r[x][i];
                for (int n = w.r[members][i] & mask & ~(1 << i); n != 0; n &= n - 1) {
                    r = combine(r, w.r[x][Integer.numberOfTrailingZeros(n)]);
                }
                out[i] = r;
            }
            w.write(d, mask, out);
        }

        private int combine(int x, int y) {
            return switch (op) {
                case "add" -> x + y;
                case "and" -> x & y;
                case "or" -> x | y;
                case "xor" -> x ^ y;
                case "min" -> signed ? Math.min(x, y) : Integer.compareUnsigned(x, y) < 0 ? x : y;
                default -> signed ? Math.max(x, y) : Integer.compareUnsigned(x, y) > 0 ? x : y;
            };
        }
    }

    /** {@code bar.warp.sync}. */
    static final class Sync extends Insn {
        private final int members;

        Sync(int members) {
            this.members = members;
        }

        @Override
        void run(Warp w, int mask) {
            w.round++;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                members(w, mask, w.r[members][i], i, "warp barrier");
            }
        }
    }

    /** {@code elect.sync}: the lowest lane. */
    static final class Elect extends Insn {
        private final int d;
        private final int p;

        Elect(int d, int p) {
            this.d = d;
            this.p = p;
        }

        @Override
        void run(Warp w, int mask) {
            int leader = Integer.numberOfTrailingZeros(mask);
            for (int m = mask; m != 0 && d >= 0; m &= m - 1) {
                w.r[d][Integer.numberOfTrailingZeros(m)] = leader;
            }
            w.predicate(p, mask, 1 << leader);
        }
    }
}
