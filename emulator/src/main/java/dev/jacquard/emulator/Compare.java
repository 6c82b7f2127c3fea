package dev.jacquard.emulator;

import static dev.jacquard.emulator.Floats.f;

import java.util.HashMap;
import java.util.Map;

/** Comparisons on all lanes of a warp: a bit per lane. */
final class Compare {
    private static final Map<String, Op32> NARROW = new HashMap<>();

    private Compare() {}

    /** Of operands of at most 32 bits. */
    interface Op32 {
        int run(int[] x, int[] y);
    }

    /** Of 64-bit operands. */
    interface Op64 {
        int run(long[] x, long[] y);
    }

    static Op32 find(String comparison, String type) {
        return NARROW.get(comparison + "." + type);
    }

    private static void put(String keys, Op32 op) {
        for (String key : keys.split(" ")) {
            NARROW.put(key, op);
        }
    }

    static {
        put("eq.s32 eq.u32 eq.b32 eq.s16 eq.u16 eq.b16", (x, y) -> {
            int m = 0;
            for (int i = 0; i < 32; i++) {
                m |= (x[i] == y[i] ? 1 : 0) << i;
            }
            return m;
        });
        put("ne.s32 ne.u32 ne.b32 ne.s16 ne.u16 ne.b16", (x, y) -> {
            int m = 0;
            for (int i = 0; i < 32; i++) {
                m |= (x[i] != y[i] ? 1 : 0) << i;
            }
            return m;
        });
        put("lt.s32", (x, y) -> lessSigned(x, y));
        put("gt.s32", (x, y) -> lessSigned(y, x));
        put("ge.s32", (x, y) -> ~lessSigned(x, y));
        put("le.s32", (x, y) -> ~lessSigned(y, x));
        put("lt.u32 lo.u32 lt.u16 lo.u16", (x, y) -> lessUnsigned(x, y));
        put("gt.u32 hi.u32 gt.u16 hi.u16", (x, y) -> lessUnsigned(y, x));
        put("ge.u32 hs.u32 ge.u16 hs.u16", (x, y) -> ~lessUnsigned(x, y));
        put("le.u32 ls.u32 le.u16 ls.u16", (x, y) -> ~lessUnsigned(y, x));
        put("lt.s16", (x, y) -> lessShort(x, y));
        put("gt.s16", (x, y) -> lessShort(y, x));
        put("ge.s16", (x, y) -> ~lessShort(x, y));
        put("le.s16", (x, y) -> ~lessShort(y, x));
        put("eq.f32", (x, y) -> equal(x, y));
        put("neu.f32", (x, y) -> ~equal(x, y));
        put("lt.f32", (x, y) -> less(x, y));
        put("gt.f32", (x, y) -> less(y, x));
        put("geu.f32", (x, y) -> ~less(x, y));
        put("leu.f32", (x, y) -> ~less(y, x));
        put("le.f32", (x, y) -> lessEqual(x, y));
        put("ge.f32", (x, y) -> lessEqual(y, x));
        put("gtu.f32", (x, y) -> ~lessEqual(x, y));
        put("ltu.f32", (x, y) -> ~lessEqual(y, x));
        put("num.f32", (x, y) -> numbers(x, y));
        put("nan.f32", (x, y) -> ~numbers(x, y));
        put("equ.f32", (x, y) -> equal(x, y) | ~numbers(x, y));
        put("ne.f32", (x, y) -> ~equal(x, y) & numbers(x, y));
    }

    private static int lessSigned(int[] x, int[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= (x[i] < y[i] ? 1 : 0) << i;
        }
        return m;
    }

    private static int lessUnsigned(int[] x, int[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= (Integer.compareUnsigned(x[i], y[i]) < 0 ? 1 : 0) << i;
        }
        return m;
    }

    private static int lessShort(int[] x, int[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= ((short) x[i] < (short) y[i] ? 1 : 0) << i;
        }
        return m;
    }

    private static int less(int[] x, int[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= (f(x[i]) < f(y[i]) ? 1 : 0) << i;
        }
        return m;
    }

    private static int lessEqual(int[] x, int[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= (f(x[i]) <= f(y[i]) ? 1 : 0) << i;
        }
        return m;
    }

    private static int equal(int[] x, int[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= (f(x[i]) == f(y[i]) ? 1 : 0) << i;
        }
        return m;
    }

    private static int numbers(int[] x, int[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= (Float.isNaN(f(x[i])) || Float.isNaN(f(y[i])) ? 0 : 1) << i;
        }
        return m;
    }

    /** For 64-bit types, rarer: one loop that asks per lane. */
    static Op64 wide(String comparison, boolean floating, boolean signed) {
        if (!floating && comparison.equals("lt") && signed) {
            return Compare::lessSigned;
        }
        if (!floating && comparison.equals("ge") && signed) {
            return (x, y) -> ~lessSigned(x, y);
        }
        return (x, y) -> {
            int m = 0;
            for (int i = 0; i < 32; i++) {
                boolean r = floating ? of(comparison, Floats.d(x[i]), Floats.d(y[i]))
                        : signed ? of(comparison, Long.compare(x[i], y[i])) : of(comparison, Long.compareUnsigned(x[i], y[i]));
                m |= (r ? 1 : 0) << i;
            }
            return m;
        };
    }

    /** For 16-bit floats. */
    static Op32 small(String comparison, boolean bf) {
        return (x, y) -> {
            int m = 0;
            for (int i = 0; i < 32; i++) {
                m |= (of(comparison, Floats.small(x[i], bf), Floats.small(y[i], bf)) ? 1 : 0) << i;
            }
            return m;
        };
    }

    private static int lessSigned(long[] x, long[] y) {
        int m = 0;
        for (int i = 0; i < 32; i++) {
            m |= (x[i] < y[i] ? 1 : 0) << i;
        }
        return m;
    }

    private static boolean of(String comparison, int sign) {
        return switch (comparison) {
            case "eq" -> sign == 0;
            case "ne" -> sign != 0;
            case "lt", "lo" -> sign < 0;
            case "le", "ls" -> sign <= 0;
            case "gt", "hi" -> sign > 0;
            case "ge", "hs" -> sign >= 0;
            default -> throw new IllegalArgumentException(comparison);
        };
    }

    private static boolean of(String comparison, double x, double y) {
        boolean nan = Double.isNaN(x) || Double.isNaN(y);
        return switch (comparison) {
            case "eq" -> x == y;
            case "ne" -> !nan && x != y;
            case "lt" -> x < y;
            case "le" -> x <= y;
            case "gt" -> x > y;
            case "ge" -> x >= y;
            case "equ" -> nan || x == y;
            case "neu" -> x != y;
            case "ltu" -> nan || x < y;
            case "leu" -> nan || x <= y;
            case "gtu" -> nan || x > y;
            case "geu" -> nan || x >= y;
            case "num" -> !nan;
            case "nan" -> nan;
            default -> throw new IllegalArgumentException(comparison);
        };
    }
}
