package dev.jacquard.emulator;

import static dev.jacquard.emulator.Floats.b;
import static dev.jacquard.emulator.Floats.f;

import java.util.Map;

/** Operations on 32-bit floats, kept as their bits, on all lanes of a warp at once. Loops as in {@link Alu32}. */
final class AluFloats {
    /** Roundings to zero, down and up. */
    private static final char[] DIRECTED = {'z', 'm', 'p'};

    private AluFloats() {}

    static void add(Map<String, Alu32.Op> table) {
        addArithmetic(table);
        addExtremes(table);
        addSigns(table);
        addSaturating(table);
        addSpecial(table);
        addDirected(table);
        addDirectedQuotients(table);
    }

    private static void put(Map<String, Alu32.Op> table, String keys, Alu32.Op op) {
        for (String key : keys.split(" ")) {
            table.put(key, op);
        }
    }

    private static void addArithmetic(Map<String, Alu32.Op> table) {
        put(table, "add.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(f(x[i]) + f(y[i]));
            }
        });
        put(table, "sub.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(f(x[i]) - f(y[i]));
            }
        });
        put(table, "mul.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(f(x[i]) * f(y[i]));
            }
        });
        put(table, "fma.f32 mad.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Math.fma(f(x[i]), f(y[i]), f(z[i])));
            }
        });
        put(table, "div.f32 div.approx.f32 div.full.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(f(x[i]) / f(y[i]));
            }
        });
    }

    private static void addExtremes(Map<String, Alu32.Op> table) {
        put(table, "min.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Floats.min(f(x[i]), f(y[i])));
            }
        });
        put(table, "max.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Floats.max(f(x[i]), f(y[i])));
            }
        });
        put(table, "min.NaN.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Math.min(f(x[i]), f(y[i])));
            }
        });
        put(table, "max.NaN.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Math.max(f(x[i]), f(y[i])));
            }
        });
    }

    private static void addSigns(Map<String, Alu32.Op> table) {
        put(table, "abs.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] & 0x7fffffff;
            }
        });
        put(table, "neg.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] ^ 0x80000000;
            }
        });
        put(table, "copysign.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = x[i] & 0x80000000 | y[i] & 0x7fffffff;
            }
        });
    }

    private static void addSaturating(Map<String, Alu32.Op> table) {
        put(table, "add.sat.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Floats.saturate(f(x[i]) + f(y[i])));
            }
        });
        put(table, "mul.sat.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Floats.saturate(f(x[i]) * f(y[i])));
            }
        });
        put(table, "fma.sat.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(Floats.saturate(Math.fma(f(x[i]), f(y[i]), f(z[i]))));
            }
        });
        put(table, "slct.s32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = z[i] >= 0 ? x[i] : y[i];
            }
        });
        put(table, "slct.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = f(z[i]) >= 0 ? x[i] : y[i];
            }
        });
    }

    private static void addSpecial(Map<String, Alu32.Op> table) {
        put(table, "rcp.f32 rcp.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b(1 / f(x[i]));
            }
        });
        put(table, "sqrt.f32 sqrt.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b((float) Math.sqrt(f(x[i])));
            }
        });
        put(table, "rsqrt.f32 rsqrt.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b((float) (1 / Math.sqrt(f(x[i]))));
            }
        });
        put(table, "ex2.f32 ex2.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b((float) Floats.exp2(f(x[i])));
            }
        });
        put(table, "lg2.f32 lg2.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b((float) Floats.log2(f(x[i])));
            }
        });
        put(table, "sin.f32 sin.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b((float) Math.sin(f(x[i])));
            }
        });
        put(table, "cos.f32 cos.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b((float) Math.cos(f(x[i])));
            }
        });
        put(table, "tanh.f32 tanh.approx.f32", (d, x, y, z, e) -> {
            for (int i = 0; i < d.length; i++) {
                d[i] = b((float) Math.tanh(f(x[i])));
            }
        });
    }

    private static void addDirected(Map<String, Alu32.Op> table) {
        for (char mode : DIRECTED) {
            put(table, "add.r" + mode + ".f32", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = b(Floats.sum(f(x[i]), f(y[i]), mode));
                }
            });
            put(table, "sub.r" + mode + ".f32", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = b(Floats.sum(f(x[i]), -f(y[i]), mode));
                }
            });
            put(table, "mul.r" + mode + ".f32", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = b(Floats.round((double) f(x[i]) * f(y[i]), 0, mode));
                }
            });
            put(table, "fma.r" + mode + ".f32", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = b(Floats.fma(f(x[i]), f(y[i]), f(z[i]), mode));
                }
            });
        }
    }

    private static void addDirectedQuotients(Map<String, Alu32.Op> table) {
        for (char mode : DIRECTED) {
            put(table, "div.r" + mode + ".f32", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = b(Floats.div(f(x[i]), f(y[i]), mode));
                }
            });
            put(table, "rcp.r" + mode + ".f32", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = b(Floats.div(1, f(x[i]), mode));
                }
            });
            put(table, "sqrt.r" + mode + ".f32", (d, x, y, z, e) -> {
                for (int i = 0; i < d.length; i++) {
                    d[i] = b(Floats.sqrt(f(x[i]), mode));
                }
            });
        }
    }
}
