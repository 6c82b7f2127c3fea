package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.PtxType;

/** The conversions of {@code cvt}. */
final class Convert {
    private static final Alu64.Widening SIGN_EXTEND = (d, x, y, z) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = x[i];
        }
    };
    private static final Alu64.Widening ZERO_EXTEND = (d, x, y, z) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = x[i] & 0xffffffffL;
        }
    };
    private static final Alu64.Narrowing LOW_HALF = (d, x) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = (int) x[i];
        }
    };
    private static final Alu32.Op SHORT_TO_INT = (d, x, y, z, e) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = (short) x[i];
        }
    };
    private static final Alu32.Op CHAR_TO_INT = (d, x, y, z, e) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = x[i] & 0xffff;
        }
    };
    private static final Alu32.Op HALF_TO_FLOAT = (d, x, y, z, e) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = Float.floatToRawIntBits(Float.float16ToFloat((short) x[i]));
        }
    };
    private static final Alu32.Op BFLOAT_TO_FLOAT = (d, x, y, z, e) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = x[i] << 16;
        }
    };
    private static final Alu32.Op INT_TO_FLOAT = (d, x, y, z, e) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = Float.floatToRawIntBits((float) x[i]);
        }
    };
    private static final Alu32.Op FLOAT_TO_HALF = (d, x, y, z, e) -> {
        for (int i = 0; i < d.length; i++) {
            d[i] = Float.floatToFloat16(Float.intBitsToFloat(x[i])) & 0xffff;
        }
    };

    private Convert() {}

    /** A lane's bits to a lane's bits; a 32-bit register's upper half is undefined on either side. */
    interface Op {
        long of(long x);
    }

    /**
     * A conversion.
     *
     * @param mode rounding n, z, m, p
     * @param toInteger whether a float result is rounded to an integral value
     * @param saturate whether the result is clamped: to 0..1, or to the integer type's range
     * @param relu whether negative results become zero
     * @param narrowTo whether the destination's register is 16 bits wide
     */
    static Op of(PtxType to, PtxType from, char mode, boolean toInteger, boolean saturate, boolean relu, boolean narrowTo) {
        if (to.floating()) {
            Op op = from.floating() ? floatToFloat(to, from, mode, toInteger, saturate) : integerToFloat(to, from, mode);
            return relu ? positive(from, op) : op;
        }
        if (from.floating()) {
            return floatToInteger(to, from, mode, narrowTo);
        }
        return x -> {
            long v = integer(x, from);
            if (saturate) {
                v = clamp(v, to, from);
            }
            return fit(v, to, narrowTo);
        };
    }

    /** The commonest conversions as loops of their own, or null. Roundings are those that change nothing here. */
    static Insn fast(PtxType to, PtxType from, char mode, boolean wideTo, boolean wideFrom, boolean narrowTo, int d, int x) {
        if (!to.floating() && !from.floating()) {
            return integers(to, from, wideTo, wideFrom, narrowTo, d, x);
        }
        Alu32.Op op = switch (to) {
            case F32 -> switch (from) {
                case F16 -> HALF_TO_FLOAT;
                case BF16 -> BFLOAT_TO_FLOAT;
                case S32 -> INT_TO_FLOAT;
                default -> null;
            };
            case F16 -> from == PtxType.F32 && mode == 'n' ? FLOAT_TO_HALF : null;
            default -> null;
        };
        return op == null ? null : new Simple.Narrow(op, d, new int[] {x, x, x, x});
    }

    private static Insn integers(PtxType to, PtxType from, boolean wideTo, boolean wideFrom, boolean narrowTo, int d, int x) {
        if (wideTo && !wideFrom && from.bytes() == 4) {
            return new Simple.Widening(from.signed() ? SIGN_EXTEND : ZERO_EXTEND, d, x, x, -1);
        }
        if (!wideTo && wideFrom && to.bytes() == 4) {
            return new Simple.Narrowing(LOW_HALF, d, x);
        }
        if (!wideTo && !wideFrom && !narrowTo && from.bytes() == 2 && to.bytes() == 4) {
            return new Simple.Narrow(from.signed() ? SHORT_TO_INT : CHAR_TO_INT, d, new int[] {x, x, x, x});
        }
        return null;
    }

    private static Op positive(PtxType from, Op op) {
        return x -> {
            double v = real(x, from);
            return Double.isNaN(v) ? op.of(x) : v > 0 ? op.of(x) : 0;
        };
    }

    /** An integer register's value. */
    private static long integer(long x, PtxType t) {
        return switch (t.bytes()) {
            case 1 -> t.signed() ? (byte) x : x & 0xff;
            case 2 -> t.signed() ? (short) x : x & 0xffff;
            case 4 -> t.signed() ? (int) x : x & 0xffffffffL;
            default -> x;
        };
    }

    /** An integer as its register holds it: extended to the register's width. */
    private static long fit(long v, PtxType t, boolean narrow) {
        long r = integer(v, t);
        return narrow ? r & 0xffff : r;
    }

    private static long clamp(long v, PtxType to, PtxType from) {
        if (!from.signed() && v < 0) { // an unsigned 64-bit value beyond the signed range
            return to.signed() ? max(to) : to.bytes() == 8 ? v : max(to);
        }
        long low = to.signed() ? to.bytes() == 8 ? Long.MIN_VALUE : -(1L << 8 * to.bytes() - 1) : 0;
        if (v < low) {
            return low;
        }
        return to.bytes() == 8 ? v : Math.min(v, max(to));
    }

    private static long max(PtxType t) {
        return t.signed() ? Long.MAX_VALUE >>> 64 - 8 * t.bytes() : t.bytes() == 8 ? -1L : (1L << 8 * t.bytes()) - 1;
    }

    static double real(long x, PtxType t) {
        return switch (t) {
            case F16 -> Floats.half((int) x);
            case BF16 -> Floats.bfloat((int) x);
            case F32, TF32 -> Float.intBitsToFloat((int) x);
            default -> Double.longBitsToDouble(x);
        };
    }

    private static Op floatToFloat(PtxType to, PtxType from, char mode, boolean toInteger, boolean saturate) {
        if (to == PtxType.F16 && from == PtxType.F32 && mode == 'n' && !saturate) {
            return x -> Float.floatToFloat16(Float.intBitsToFloat((int) x)) & 0xffff;
        }
        if (to == PtxType.F32 && from == PtxType.F16 && !saturate && !toInteger) {
            return x -> Float.floatToRawIntBits(Float.float16ToFloat((short) x));
        }
        if (to == from && !toInteger && !saturate) {
            return x -> x;
        }
        return x -> {
            double v = real(x, from);
            if (toInteger) {
                v = Floats.integral(v, mode);
            }
            if (saturate) {
                v = v > 0 ? Math.min(v, 1) : 0;
            }
            return bits(v, to, mode);
        };
    }

    /** A number as bits of a floating type. */
    private static long bits(double v, PtxType to, char mode) {
        return switch (to) {
            case F16 -> Floats.narrow((float) v, false, mode);
            case BF16 -> Floats.narrow((float) v, true, mode);
            case F32 -> Float.floatToRawIntBits(Floats.round(v, 0, mode));
            case TF32 -> tf32((float) v);
            default -> Double.doubleToRawLongBits(v);
        };
    }

    /** Ten bits of mantissa; ties away from zero, as the only rounding PTX has for it at first. */
    private static int tf32(float v) {
        int bits = Float.floatToRawIntBits(v);
        return Float.isFinite(v) ? bits + 0x1000 & ~0x1fff : bits;
    }

    private static Op integerToFloat(PtxType to, PtxType from, char mode) {
        if (to == PtxType.F32 && from == PtxType.S32 && mode == 'n') {
            return x -> Float.floatToRawIntBits((float) (int) x);
        }
        if (to == PtxType.F32 && mode == 'n' && from.bytes() == 8) {
            return x -> Float.floatToRawIntBits(from.signed() || x >= 0 ? (float) x : 2 * (float) (x >>> 1 | x & 1));
        }
        return x -> {
            long v = integer(x, from);
            double d = from == PtxType.U64 && v < 0 ? 2 * (double) (v >>> 1 | v & 1) : v;
            return bits(d, to, mode);
        };
    }

    private static Op floatToInteger(PtxType to, PtxType from, char mode, boolean narrow) {
        return x -> {
            double v = real(x, from);
            double whole = Floats.integral(v, mode);
            long r;
            if (Double.isNaN(v)) {
                r = to.bytes() == 8 ? Long.MIN_VALUE : 0; // what the hardware gives; PTX promises 0 for 32 bits and less
            } else if (to.signed()) {
                r = clamp((long) whole, to, PtxType.S64);
            } else if (whole >= 0x1p63) {
                r = to.bytes() == 8 ? whole >= 0x1p64 ? -1L : (long) (whole - 0x1p63) ^ Long.MIN_VALUE : max(to);
            } else {
                r = clamp((long) whole, to, PtxType.S64);
            }
            return fit(r, to, narrow);
        };
    }
}
