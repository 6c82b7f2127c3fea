package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.PtxType;
import dev.jacquard.emulator.ptx.Space;

/** {@code atom} and {@code red}: lanes in order of their index, so that sums of floats repeat. */
final class Atomic extends Access {
    private final String op;
    private final PtxType type;
    private final int d;
    private final int x;
    private final int y;

    Atomic(Space space, int base, boolean wideBase, long offset, String op, PtxType type, int d, int x, int y) {
        super(Kind.ATOMIC, space, base, wideBase, offset, type.bytes());
        this.op = op;
        this.type = type;
        this.d = d;
        this.x = x;
        this.y = y;
    }

    @Override
    void run(Warp w, int mask) {
        for (int m = mask; m != 0; m &= m - 1) {
            int i = Integer.numberOfTrailingZeros(m);
            int o = locate(w, i);
            if (type.bytes() == 8) {
                long old = (long) LONGS.get(data, o);
                LONGS.set(data, o, wide(old, w.q[x][i], y < 0 ? 0 : w.q[y][i]));
                if (d >= 0) {
                    w.q[d][i] = old;
                }
            } else {
                int old = type.bytes() == 2 ? (short) SHORTS.get(data, o) & 0xffff : (int) INTS.get(data, o);
                int now = narrow(old, w.r[x][i], y < 0 ? 0 : w.r[y][i]);
                if (type.bytes() == 2) {
                    SHORTS.set(data, o, (short) now);
                } else {
                    INTS.set(data, o, now);
                }
                if (d >= 0) {
                    w.r[d][i] = old;
                }
            }
        }
    }

    private int narrow(int old, int v, int other) {
        return switch (op) {
            case "add" -> switch (type) {
                case F32 -> Floats.b(Floats.f(old) + Floats.f(v));
                case F16 -> Floats.half(Floats.half(old) + Floats.half(v));
                case BF16 -> Floats.bfloat(Floats.bfloat(old) + Floats.bfloat(v));
                case F16X2, BF16X2 -> pair(old, v, type == PtxType.BF16X2);
                default -> old + v;
            };
            case "min" -> type.signed() ? Math.min(old, v) : Integer.compareUnsigned(old, v) < 0 ? old : v;
            case "max" -> type.signed() ? Math.max(old, v) : Integer.compareUnsigned(old, v) > 0 ? old : v;
            case "and" -> old & v;
            case "or" -> old | v;
            case "xor" -> old ^ v;
            case "exch" -> v;
            case "cas" -> old == v ? other : old;
            case "inc" -> Integer.compareUnsigned(old, v) >= 0 ? 0 : old + 1;
            case "dec" -> old == 0 || Integer.compareUnsigned(old, v) > 0 ? v : old - 1;
            default -> throw new IllegalStateException(op);
        };
    }

    private static int pair(int old, int v, boolean bf) {
        int low = Floats.small(Floats.small(old & 0xffff, bf) + Floats.small(v & 0xffff, bf), bf);
        return Floats.small(Floats.small(old >>> 16, bf) + Floats.small(v >>> 16, bf), bf) << 16 | low;
    }

    private long wide(long old, long v, long other) {
        return switch (op) {
            case "add" -> type == PtxType.F64 ? Floats.b(Floats.d(old) + Floats.d(v)) : old + v;
            case "min" -> type.signed() ? Math.min(old, v) : Long.compareUnsigned(old, v) < 0 ? old : v;
            case "max" -> type.signed() ? Math.max(old, v) : Long.compareUnsigned(old, v) > 0 ? old : v;
            case "and" -> old & v;
            case "or" -> old | v;
            case "xor" -> old ^ v;
            case "exch" -> v;
            case "cas" -> old == v ? other : old;
            default -> throw new IllegalStateException(op);
        };
    }

    /** Whether an operation exists. */
    static boolean known(String op) {
        return switch (op) {
            case "add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec" -> true;
            default -> false;
        };
    }
}
