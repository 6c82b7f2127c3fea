package dev.jacquard.emulator;

import java.util.HashMap;
import java.util.Map;

/**
 * Operations whose operands and result are at most 32 bits wide, on all lanes of a warp at once. Each has its own loop, so that HotSpot compiles, and often
 * vectorizes, each one alone. 16-bit values are kept with their upper half zero.
 */
final class Alu32 {
    private static final Map<String, Op> TABLE = new HashMap<>();

    private Alu32() {}

    /** One operation; unused operands are any array. */
    interface Op {
        void run(int[] d, int[] x, int[] y, int[] z, int[] e);
    }

    /** The operation of a key such as {@code add.s32}, or null. */
    static Op find(String key) {
        return TABLE.get(key);
    }

    private static void put(String keys, Op op) {
        for (String key : keys.split(" ")) {
            TABLE.put(key, op);
        }
    }

    static {
        addSums();
        addProducts();
        addDivisions();
        addExtremes();
        addBits();
        addShifts();
        addBitCounts();
        addFunnels();
        addShorts();
        addShortDivisions();
        addShortBits();
        AluFloats.add(TABLE);
        Packed.add(TABLE);
    }

    private static void addSums() {
        put("add.s32 add.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] + y[i];
            }
        });
        put("sub.s32 sub.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] - y[i];
            }
        });
        put("mul.lo.s32 mul.lo.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i];
            }
        });
        put("mul.hi.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) ((long) x[i] * y[i] >> 32);
            }
        });
        put("mul.hi.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) ((x[i] & 0xffffffffL) * (y[i] & 0xffffffffL) >>> 32);
            }
        });
    }

    private static void addProducts() {
        put("mad.lo.s32 mad.lo.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i] + z[i];
            }
        });
        put("mad.hi.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) ((long) x[i] * y[i] >> 32) + z[i];
            }
        });
        put("mad.hi.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) ((x[i] & 0xffffffffL) * (y[i] & 0xffffffffL) >>> 32) + z[i];
            }
        });
        put("mul24.lo.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (x[i] << 8 >> 8) * (y[i] << 8 >> 8);
            }
        });
        put("mul24.lo.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (x[i] & 0xffffff) * (y[i] & 0xffffff);
            }
        });
    }

    private static void addDivisions() {
        put("div.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? -1 : x[i] / y[i]; // PTX leaves division by zero open; this is what the hardware gives
            }
        });
        put("div.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? -1 : Integer.divideUnsigned(x[i], y[i]);
            }
        });
        put("rem.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? x[i] : x[i] % y[i];
            }
        });
        put("rem.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? x[i] : Integer.remainderUnsigned(x[i], y[i]);
            }
        });
    }

    private static void addExtremes() {
        put("min.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.min(x[i], y[i]);
            }
        });
        put("max.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.max(x[i], y[i]);
            }
        });
        put("min.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.min(x[i] ^ 0x80000000, y[i] ^ 0x80000000) ^ 0x80000000;
            }
        });
        put("max.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.max(x[i] ^ 0x80000000, y[i] ^ 0x80000000) ^ 0x80000000;
            }
        });
        put("abs.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.abs(x[i]);
            }
        });
        put("neg.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = -x[i];
            }
        });
        put("sad.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = z[i] + (x[i] < y[i] ? y[i] - x[i] : x[i] - y[i]);
            }
        });
        put("sad.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = z[i] + (Integer.compareUnsigned(x[i], y[i]) < 0 ? y[i] - x[i] : x[i] - y[i]);
            }
        });
    }

    private static void addBits() {
        put("mov.b32", (d, x, y, z, e) -> System.arraycopy(x, 0, d, 0, d.length));
        put("and.b32 and.b16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] & y[i];
            }
        });
        put("or.b32 or.b16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] | y[i];
            }
        });
        put("xor.b32 xor.b16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] ^ y[i];
            }
        });
        put("not.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = ~x[i];
            }
        });
        put("cnot.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] == 0 ? 1 : 0;
            }
        });
    }

    private static void addShifts() {
        put("shl.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (y[i] & ~31) != 0 ? 0 : x[i] << y[i];
            }
        });
        put("shr.u32 shr.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (y[i] & ~31) != 0 ? 0 : x[i] >>> y[i];
            }
        });
        put("shr.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] >> ((y[i] & ~31) != 0 ? 31 : y[i]);
            }
        });
        put("bfe.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) Alu64.extract(x[i] & 0xffffffffL, y[i] & 255, z[i] & 255, 32, false);
            }
        });
        put("bfe.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) Alu64.extract(x[i], y[i] & 255, z[i] & 255, 32, true);
            }
        });
        put("bfi.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) Alu64.insert(x[i], y[i], z[i] & 255, e[i] & 255, 32);
            }
        });
    }

    private static void addBitCounts() {
        put("popc.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Integer.bitCount(x[i]);
            }
        });
        put("clz.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Integer.numberOfLeadingZeros(x[i]);
            }
        });
        put("brev.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Integer.reverse(x[i]);
            }
        });
        put("bfind.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = 31 - Integer.numberOfLeadingZeros(x[i]);
            }
        });
        put("bfind.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = 31 - Integer.numberOfLeadingZeros(x[i] ^ x[i] >> 31);
            }
        });
        put("bfind.shiftamt.u32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] == 0 ? -1 : Integer.numberOfLeadingZeros(x[i]);
            }
        });
    }

    private static void addFunnels() {
        put("shf.l.wrap.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) (pair(x[i], y[i]) << (z[i] & 31) >>> 32);
            }
        });
        put("shf.r.wrap.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (int) (pair(x[i], y[i]) >>> (z[i] & 31));
            }
        });
        put("shf.l.clamp.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Integer.compareUnsigned(z[i], 32) >= 0 ? x[i] : (int) (pair(x[i], y[i]) << z[i] >>> 32);
            }
        });
        put("shf.r.clamp.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Integer.compareUnsigned(z[i], 32) >= 0 ? y[i] : (int) (pair(x[i], y[i]) >>> z[i]);
            }
        });
        put("prmt.b32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = permute(x[i], y[i], z[i]);
            }
        });
    }

    private static long pair(int low, int high) {
        return (long) high << 32 | low & 0xffffffffL;
    }

    private static int permute(int x, int y, int selectors) {
        long bytes = pair(x, y);
        int out = 0;
        for (int k = 0; k < 4; k++) {
            int s = selectors >>> 4 * k & 15;
            int v = (int) (bytes >>> 8 * (s & 7)) & 255;
            if ((s & 8) != 0) {
                v = (v & 128) != 0 ? 255 : 0;
            }
            out |= v << 8 * k;
        }
        return out;
    }

    /** A logic function of three inputs by its truth table. */
    static Op lop3(int table) {
        return (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                int r = 0;
                for (int k = 0; k < 8; k++) {
                    if ((table >>> k & 1) != 0) {
                        r |= ((k & 4) != 0 ? x[i] : ~x[i]) & ((k & 2) != 0 ? y[i] : ~y[i]) & ((k & 1) != 0 ? z[i] : ~z[i]);
                    }
                }
                d[i] = r;
            }
        };
    }

    /** The sum of products of four bytes. */
    static Op dot4(boolean signedX, boolean signedY) {
        return (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                int sum = z[i];
                for (int k = 0; k < 32; k += 8) {
                    int p = signedX ? (byte) (x[i] >> k) : x[i] >> k & 255;
                    int q = signedY ? (byte) (y[i] >> k) : y[i] >> k & 255;
                    sum += p * q;
                }
                d[i] = sum;
            }
        };
    }

    private static void addShorts() {
        put("add.s16 add.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] + y[i] & 0xffff;
            }
        });
        put("sub.s16 sub.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] - y[i] & 0xffff;
            }
        });
        put("mul.lo.s16 mul.lo.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i] & 0xffff;
            }
        });
        put("mul.hi.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i] >>> 16;
            }
        });
        put("mul.hi.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (short) x[i] * (short) y[i] >>> 16;
            }
        });
        put("mad.lo.s16 mad.lo.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i] + z[i] & 0xffff;
            }
        });
        put("mul.wide.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (short) x[i] * (short) y[i];
            }
        });
        put("mul.wide.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i];
            }
        });
        put("mad.wide.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (short) x[i] * (short) y[i] + z[i];
            }
        });
        put("mad.wide.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] * y[i] + z[i];
            }
        });
    }

    private static void addShortDivisions() {
        put("div.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? 0xffff : (short) x[i] / (short) y[i] & 0xffff;
            }
        });
        put("div.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? 0xffff : x[i] / y[i];
            }
        });
        put("rem.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? x[i] : (short) x[i] % (short) y[i] & 0xffff;
            }
        });
        put("rem.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = y[i] == 0 ? x[i] : x[i] % y[i];
            }
        });
        put("min.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (short) x[i] < (short) y[i] ? x[i] : y[i];
            }
        });
        put("max.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (short) x[i] > (short) y[i] ? x[i] : y[i];
            }
        });
        put("min.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.min(x[i], y[i]);
            }
        });
        put("max.u16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.max(x[i], y[i]);
            }
        });
    }

    private static void addShortBits() {
        put("neg.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = -x[i] & 0xffff;
            }
        });
        put("abs.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = Math.abs((short) x[i]) & 0xffff;
            }
        });
        put("not.b16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = ~x[i] & 0xffff;
            }
        });
        put("shl.b16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (y[i] & ~15) != 0 ? 0 : x[i] << y[i] & 0xffff;
            }
        });
        put("shr.u16 shr.b16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (y[i] & ~15) != 0 ? 0 : x[i] >>> y[i];
            }
        });
        put("shr.s16", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = (short) x[i] >> ((y[i] & ~15) != 0 ? 15 : y[i]) & 0xffff;
            }
        });
    }
}
