package dev.jacquard.emulator;

import static dev.jacquard.emulator.Floats.b;
import static dev.jacquard.emulator.Floats.d;

import java.util.HashMap;
import java.util.Map;

/** Operations on 64-bit operands, and from 32 bits to 64, on all lanes of a warp at once. Loops as in {@link Alu32}. */
final class Alu64 {
    private static final Map<String, Op> TABLE = new HashMap<>();
    private static final Map<String, Widening> WIDENING = new HashMap<>();
    private static final Map<String, Shift> SHIFTS = new HashMap<>();
    private static final Map<String, Narrowing> NARROWING = new HashMap<>();

    private Alu64() {}

    /** All operands are 64 bits wide. */
    interface Op {
        void run(long[] d, long[] x, long[] y, long[] z);
    }

    /** Products of 32-bit operands. */
    interface Widening {
        void run(long[] d, int[] x, int[] y, long[] z);
    }

    /** Shifts, and fields of bits, with positions of 32 bits. */
    interface Shift {
        void run(long[] d, long[] x, long[] y, int[] z, int[] e);
    }

    /** From 64 bits to 32. */
    interface Narrowing {
        void run(int[] d, long[] x);
    }

    static Op find(String key) {
        return TABLE.get(key);
    }

    static Widening widening(String key) {
        return WIDENING.get(key);
    }

    static Shift shift(String key) {
        return SHIFTS.get(key);
    }

    static Narrowing narrowing(String key) {
        return NARROWING.get(key);
    }

    /** Bits of a field, as PTX's bfe: beyond the top the sign or zero. */
    static long extract(long v, int position, int length, int width, boolean signed) {
        if (length == 0) {
            return 0;
        }
        int top = Math.min(position + length - 1, width - 1);
        boolean sign = signed && (v >>> top & 1) != 0;
        long r = sign ? -1L : 0;
        for (int i = 0; i < Math.min(length, width); i++) {
            int from = position + i;
            boolean bit = from < width ? (v >>> from & 1) != 0 : sign;
            r = bit ? r | 1L << i : r & ~(1L << i);
        }
        return r;
    }

    /** Puts a field into y, as PTX's bfi. */
    static long insert(long field, long into, int position, int length, int width) {
        long r = into;
        for (int i = 0; i < length && position + i < width; i++) {
            long bit = 1L << position + i;
            r = (field >>> i & 1) != 0 ? r | bit : r & ~bit;
        }
        return r;
    }

    private static void put(String keys, Op op) {
        for (String key : keys.split(" ")) {
            TABLE.put(key, op);
        }
    }

    static {
        addIntegers();
        addDivisions();
        addLogic();
        addDoubles();
        addRoots();
        addShifts();
        addWidening();
        addNarrowing();
    }

    private static void addIntegers() {
        put("mov.b64", (d, x, y, z) -> System.arraycopy(x, 0, d, 0, d.length));
        put("add.s64 add.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] + y[i];
            }
        });
        put("sub.s64 sub.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] - y[i];
            }
        });
        put("mul.lo.s64 mul.lo.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i];
            }
        });
        put("mul.hi.s64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.multiplyHigh(x[i], y[i]);
            }
        });
        put("mul.hi.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.unsignedMultiplyHigh(x[i], y[i]);
            }
        });
        put("mad.lo.s64 mad.lo.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i] + z[i];
            }
        });
    }

    private static void addDivisions() {
        put("div.s64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? -1 : x[i] / y[i];
            }
        });
        put("div.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? -1 : Long.divideUnsigned(x[i], y[i]);
            }
        });
        put("rem.s64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? x[i] : x[i] % y[i];
            }
        });
        put("rem.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? x[i] : Long.remainderUnsigned(x[i], y[i]);
            }
        });
        put("min.s64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.min(x[i], y[i]);
            }
        });
        put("max.s64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.max(x[i], y[i]);
            }
        });
        put("min.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Long.compareUnsigned(x[i], y[i]) < 0 ? x[i] : y[i];
            }
        });
        put("max.u64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Long.compareUnsigned(x[i], y[i]) > 0 ? x[i] : y[i];
            }
        });
        put("abs.s64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.abs(x[i]);
            }
        });
        put("neg.s64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = -x[i];
            }
        });
    }

    private static void addLogic() {
        put("and.b64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] & y[i];
            }
        });
        put("or.b64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] | y[i];
            }
        });
        put("xor.b64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] ^ y[i];
            }
        });
        put("not.b64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = ~x[i];
            }
        });
        put("brev.b64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Long.reverse(x[i]);
            }
        });
    }

    private static void addDoubles() {
        put("add.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(d(x[i]) + d(y[i]));
            }
        });
        put("sub.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(d(x[i]) - d(y[i]));
            }
        });
        put("mul.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(d(x[i]) * d(y[i]));
            }
        });
        put("fma.f64 mad.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Math.fma(d(x[i]), d(y[i]), d(z[i])));
            }
        });
        put("div.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(d(x[i]) / d(y[i]));
            }
        });
    }

    private static void addRoots() {
        put("rcp.f64 rcp.approx.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(1 / d(x[i]));
            }
        });
        put("sqrt.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Math.sqrt(d(x[i])));
            }
        });
        put("rsqrt.approx.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(1 / Math.sqrt(d(x[i])));
            }
        });
        put("min.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Floats.min(d(x[i]), d(y[i])));
            }
        });
        put("max.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Floats.max(d(x[i]), d(y[i])));
            }
        });
        put("abs.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] & Long.MAX_VALUE;
            }
        });
        put("neg.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] ^ Long.MIN_VALUE;
            }
        });
        put("copysign.f64", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] & Long.MIN_VALUE | y[i] & Long.MAX_VALUE;
            }
        });
    }

    private static void addShifts() {
        SHIFTS.put("shl.b64", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (z[i] & ~63) != 0 ? 0 : x[i] << z[i];
            }
        });
        SHIFTS.put("shr.u64", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (z[i] & ~63) != 0 ? 0 : x[i] >>> z[i];
            }
        });
        SHIFTS.put("shr.b64", SHIFTS.get("shr.u64"));
        SHIFTS.put("shr.s64", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] >> ((z[i] & ~63) != 0 ? 63 : z[i]);
            }
        });
        SHIFTS.put("bfe.u64", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = extract(x[i], z[i] & 255, e[i] & 255, 64, false);
            }
        });
        SHIFTS.put("bfe.s64", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = extract(x[i], z[i] & 255, e[i] & 255, 64, true);
            }
        });
        SHIFTS.put("bfi.b64", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = insert(x[i], y[i], z[i] & 255, e[i] & 255, 64);
            }
        });
    }

    private static void addWidening() {
        WIDENING.put("mul.wide.s32", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (long) x[i] * y[i];
            }
        });
        WIDENING.put("mul.wide.u32", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (x[i] & 0xffffffffL) * (y[i] & 0xffffffffL);
            }
        });
        WIDENING.put("mad.wide.s32", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (long) x[i] * y[i] + z[i];
            }
        });
        WIDENING.put("mad.wide.u32", (d, x, y, z) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (x[i] & 0xffffffffL) * (y[i] & 0xffffffffL) + z[i];
            }
        });
    }

    private static void addNarrowing() {
        NARROWING.put("popc.b64", (d, x) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Long.bitCount(x[i]);
            }
        });
        NARROWING.put("clz.b64", (d, x) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Long.numberOfLeadingZeros(x[i]);
            }
        });
        NARROWING.put("bfind.u64", (d, x) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = 63 - Long.numberOfLeadingZeros(x[i]);
            }
        });
        NARROWING.put("bfind.s64", (d, x) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = 63 - Long.numberOfLeadingZeros(x[i] ^ x[i] >> 63);
            }
        });
    }
}
