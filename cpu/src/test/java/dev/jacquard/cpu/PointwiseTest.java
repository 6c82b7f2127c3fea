package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PointwiseTest {
    private static final int[] SIZES = {0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 127, 40_001};
    private static final float[] SPECIAL = {0f, -0f, 1f, -1f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 88.7f, 88.8f, 89f, -87.4f, -100f, -103.9f,
        -104f, -200f, 200f, Float.MIN_VALUE, 1e-40f, Float.MIN_NORMAL, Float.MAX_VALUE, -Float.MAX_VALUE, 0.625f, 0.6249999f, 1e-10f, 0.99999994f, 1.0000001f};

    /** Within 3 units in the last place of the double result, special values alike; below the normal range an absolute bound. */
    private static void close(double want, float got, String what) {
        float w = (float) want;
        boolean same = Float.isNaN(w) ? Float.isNaN(got) : w == got;
        if (!same && !(Math.abs(want - got) <= 3 * Math.ulp(Math.max(Math.abs(w), Float.MIN_NORMAL)))) {
            fail(what + ": got " + got + " want " + want);
        }
    }

    private static double exact(Unary op, double x) {
        return switch (op) {
            case RELU -> Math.max(x, 0);
            case SIGMOID -> 1 / (1 + Math.exp(-x));
            case SILU -> x / (1 + Math.exp(-x));
            case EXP -> Math.exp(x);
            case LOG -> Math.log(x);
            case SQRT -> Math.sqrt(x);
            case RSQRT -> 1 / Math.sqrt(x);
            case ABS -> Math.abs(x);
            case NEG -> -x;
            case TANH -> Math.tanh(x);
        };
    }

    private static double exact(Binary op, double x, double y) {
        double s = 1 / (1 + Math.exp(-y));
        return switch (op) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / y;
            case MAX -> Math.max(x, y);
            case MIN -> Math.min(x, y);
            case RELU_BACKWARD -> y > 0 ? x : 0;
            case SILU_BACKWARD -> x * s * (1 + y * (1 - s));
        };
    }

    @ParameterizedTest
    @EnumSource
    void unary(Unary op) {
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            for (int n : SIZES) {
                try (Workers workers = new Workers(2); Arena arena = Arena.ofConfined()) {
                    Guarded a = new Guarded(arena, n).random(n);
                    Guarded out = new Guarded(arena, n);
                    for (int i = 0; i < n; i++) {
                        a.set(i, i < SPECIAL.length && n > 60 ? SPECIAL[i] : a.get(i) * (i % 2 == 0 ? 4 : 90));
                    }
                    new Pointwise(workers, simd).unary(op, a.address, out.address, n);
                    out.check(op + " " + n);
                    for (int i = 0; i < n; i++) {
                        float x = a.get(i);
                        // x * sigmoid(x) of huge negative numbers: the vector form gives -0 or NaN at -inf as x * 0 does
                        if (op != Unary.SILU || x > -85) {
                            close(exact(op, x), out.get(i), simd.describe() + " " + op + "(" + x + ")");
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void binary(Binary op) {
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            for (int n : SIZES) {
                for (int form = 1; form < 4; form++) {
                    try (Workers workers = new Workers(2); Arena arena = Arena.ofConfined()) {
                        int as = form & 1;
                        int bs = form >> 1;
                        Guarded a = new Guarded(arena, n + 1).random(n);
                        Guarded b = new Guarded(arena, n + 1).random(n + 1);
                        Guarded out = new Guarded(arena, n);
                        new Pointwise(workers, simd).binary(op, a.address, as, b.address, bs, out.address, n);
                        out.check(op + " " + n);
                        for (int i = 0; i < n; i++) {
                            pair(op, a.get((long) i * as), b.get((long) i * bs), out.get(i), simd.describe());
                        }
                    }
                }
            }
        }
    }

    private static void pair(Binary op, float x, float y, float got, String kernels) {
        double want = exact(op, x, y);
        if (op == Binary.SILU_BACKWARD) {
            if (!(Math.abs(want - got) <= 1e-6)) {
                fail(op + "(" + x + ", " + y + "): got " + got + " want " + want);
            }
        } else {
            close(want, got, kernels + " " + op + "(" + x + ", " + y + ")");
        }
    }

    @Test
    void broadcastOverRows() {
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            try (Workers workers = new Workers(2); Arena arena = Arena.ofConfined()) {
                int rows = 700;
                int c = 37;
                Guarded a = new Guarded(arena, rows * c).random(1);
                Guarded row = new Guarded(arena, c).random(2);
                Guarded column = new Guarded(arena, rows).random(3);
                Guarded out = new Guarded(arena, rows * c);
                Pointwise p = new Pointwise(workers, simd);
                p.binaryRows(Binary.SUB, rows, c, a.address, c, 1, row.address, 0, 1, out.address);
                for (int i = 0; i < rows * c; i++) {
                    assertEquals(a.get(i) - row.get(i % c), out.get(i));
                }
                p.binaryRows(Binary.SUB, rows, c, column.address, 1, 0, a.address, c, 1, out.address);
                for (int i = 0; i < rows * c; i++) {
                    assertEquals(column.get(i / c) - a.get(i), out.get(i));
                }
                p.multiplyAdd(a.address, row.address, 0, column.address, 0, out.address, rows * c);
                for (int i = 0; i < rows * c; i++) {
                    assertEquals(Math.fma((double) a.get(i), row.get(0), column.get(0)), out.get(i), 1e-6);
                }
                p.sumLast(rows, c, a.address, column.address);
                for (int r = 0; r < rows; r++) {
                    double sum = 0;
                    for (int i = 0; i < c; i++) {
                        sum += a.get((long) r * c + i);
                    }
                    assertEquals(sum, column.get(r), 1e-5);
                }
                out.check("out");
                column.check("column");
            }
        }
    }

    @Test
    void momentumStep() {
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            for (boolean nesterov : new boolean[] {false, true}) {
                try (Workers workers = new Workers(2); Arena arena = Arena.ofConfined()) {
                    int n = 20_005;
                    Guarded w = new Guarded(arena, n).random(1);
                    Guarded g = new Guarded(arena, n).random(2);
                    Guarded v = new Guarded(arena, n).random(3);
                    double[] w0 = w.toArray();
                    double[] v0 = v.toArray();
                    new Pointwise(workers, simd).sgd(w.address, g.address, v.address, n, 0.1f, 0.9f, 0.01f, nesterov);
                    w.check("w");
                    v.check("v");
                    for (int i = 0; i < n; i++) {
                        double slope = g.get(i) + 0.01 * w0[i];
                        double speed = 0.9 * v0[i] + slope;
                        assertEquals(speed, v.get(i), 1e-6);
                        assertEquals(w0[i] - 0.1 * (nesterov ? slope + 0.9 * speed : speed), w.get(i), 1e-6);
                    }
                }
            }
        }
    }
}
