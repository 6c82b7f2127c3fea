package dev.jacquard.emulator;

import java.util.Map;

/** Arithmetic on 16-bit floats, one to a register or two. */
final class Packed {
    private Packed() {}

    private interface Scalar {
        double of(double x, double y, double z);
    }

    static void add(Map<String, Alu32.Op> table) {
        for (boolean bf : new boolean[] {false, true}) {
            String type = bf ? "bf16" : "f16";
            each(table, "add", type, bf, (x, y, z) -> x + y);
            each(table, "sub", type, bf, (x, y, z) -> x - y);
            each(table, "mul", type, bf, (x, y, z) -> x * y);
            each(table, "fma", type, bf, Math::fma);
            each(table, "min", type, bf, (x, y, z) -> Floats.min(x, y));
            each(table, "max", type, bf, (x, y, z) -> Floats.max(x, y));
            each(table, "min.NaN", type, bf, (x, y, z) -> Math.min(x, y));
            each(table, "max.NaN", type, bf, (x, y, z) -> Math.max(x, y));
            each(table, "ex2.approx", type, bf, (x, y, z) -> Floats.exp2(x));
            each(table, "tanh.approx", type, bf, (x, y, z) -> Math.tanh(x));
            table.put("neg." + type, (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = x[i] ^ 0x8000;
                }
            });
            table.put("abs." + type, (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = x[i] & 0x7fff;
                }
            });
            table.put("neg." + type + "x2", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = x[i] ^ 0x80008000;
                }
            });
            table.put("abs." + type + "x2", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = x[i] & 0x7fff7fff;
                }
            });
        }
    }

    private static void each(Map<String, Alu32.Op> table, String name, String type, boolean bf, Scalar op) {
        table.put(name + "." + type, (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = one(op, x[i], y[i], z[i], bf);
            }
        });
        table.put(name + "." + type + "x2", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = one(op, x[i] >>> 16, y[i] >>> 16, z[i] >>> 16, bf) << 16 | one(op, x[i] & 0xffff, y[i] & 0xffff, z[i] & 0xffff, bf);
            }
        });
    }

    private static int one(Scalar op, int x, int y, int z, boolean bf) {
        // A double holds sums and products of 16-bit floats exactly, but for fma at extreme exponents; the second rounding to float is then the only risk.
        return Floats.small((float) op.of(Floats.small(x, bf), Floats.small(y, bf), Floats.small(z, bf)), bf);
    }
}
