package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.EmittedSimd;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every loop of both instruction sets against the plain loops, at lengths around a vector's, between guard bands. */
class EmittedSimdTest {
    private static final int[] LENGTHS = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 129, 257};
    private static final int[] ROWS = {1, 2, 3, 8, 11, 17};
    private static final int[] CHANNELS = {1, 3, 8, 15, 16, 17, 24, 40, 63, 130, 144, 257};

    private final Arena arena = Arena.ofConfined();
    private final Simd plain = Kernels.scalar();

    @AfterEach
    void close() {
        arena.close();
    }

    private static Simd of(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), () -> "no " + set + " here");
        return new EmittedSimd(set);
    }

    private Guarded random(long n, long seed) {
        return new Guarded(arena, n).random(seed);
    }

    /** Runs something with both and compares what it wrote into n floats. */
    private void same(String what, Simd simd, long n, double terms, BiConsumer<Simd, Guarded> body) {
        Guarded got = random(n, 77);
        Guarded want = random(n, 77);
        body.accept(plain, want);
        body.accept(simd, got);
        got.expect(want.toArray(), terms, what);
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void columns(InstructionSet set) {
        Simd simd = of(set);
        for (int rows : ROWS) {
            for (int c : CHANNELS) {
                String what = set + " " + rows + "x" + c;
                int wide = c + 5;
                Guarded x = random((long) rows * wide - 5, 1);
                Guarded y = random((long) rows * c, 2);
                Guarded center = random(c, 3);
                long xr = 4L * wide;
                long yr = 4L * c;
                same("sums " + what, simd, c, rows, (s, out) -> s.columnSums(rows, c, x.address, xr, out.address));
                same("exact sums " + what, simd, c, rows, (s, out) -> s.exactColumnSums(rows, c, x.address, xr, out.address));
                same("moments " + what, simd, 2L * c, rows, (s, out) -> s.columnMoments(rows, c, x.address, xr, center.address, out.address, out.address + yr));
                same("dots " + what, simd, 2L * c, rows, (s, out) -> s.columnDots(rows, c, y.address, yr, x.address, xr, center.address, out.address, out.address + yr));
                same("products " + what, simd, c, rows, (s, out) -> s.columnProducts(rows, c, y.address, yr, x.address, xr, out.address));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void normalisation(InstructionSet set) {
        Simd simd = of(set);
        for (int rows : ROWS) {
            for (int c : CHANNELS) {
                for (Nonlinearity f : Nonlinearity.values()) {
                    normalisation(set + " " + rows + "x" + c + " " + f, simd, rows, c, f);
                    if (c % simd.lanes() == 0) {
                        normalisation("past the caches, " + set + " " + rows + "x" + c + " " + f, simd.streaming(), rows, c, f);
                    }
                }
            }
        }
    }

    private void normalisation(String what, Simd simd, int rows, int c, Nonlinearity f) {
        long n = (long) rows * c;
        long row = 4L * c;
        Guarded x = random(n, 1);
        Guarded dy = random(n, 2);
        Guarded residual = random(n, 3);
        Guarded forward = random(3L * c, 4);
        Guarded factors = random(3L * c, 5);
        long p = forward.address;
        for (long r : new long[] {0, residual.address}) {
            same("normalize " + what, simd, n, 4, (s, y) -> s.normalize(rows, c, x.address, p, p + row, p + 2 * row, r, f, y.address));
            same("activation's sums " + what, simd, 2L * c, rows, (s, out) ->
                    s.activationDots(rows, c, dy.address, x.address, p, r, f, random(n, 9).address, out.address, out.address + row));
            if (r != 0) {
                same("residual's gradient " + what, simd, n, 4, (s, g) ->
                        s.activationDots(rows, c, dy.address, x.address, p, r, f, g.address, random(c, 8).address, random(c, 8).address));
            }
        }
        same("in place " + what, simd, n, 4, (s, y) -> s.normalize(rows, c, y.address, p, p + row, p + 2 * row, 0, f, y.address));
        same("normalize's gradient " + what, simd, n, 4, (s, dx) -> s.activationBackward(rows, c, dy.address, x.address, p, factors.address, f, random(n, 9).address, dx.address));
        same("the same in place " + what, simd, n, 4, (s, dx) -> s.activationBackward(rows, c, dx.address, x.address, p, factors.address, f, random(n, 9).address, dx.address));
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void pointwise(InstructionSet set) {
        Simd simd = of(set);
        List<Pointwise> ops = List.of(new Pointwise.Affine(1.5, -0.25), new Pointwise.Exp(), new Pointwise.Abs(), new Pointwise.Sign(), new Pointwise.Relu(),
                new Pointwise.Sigmoid(), new Pointwise.Tanh(), new Pointwise.Silu(),
                new Pointwise.Hardswish(), new Pointwise.RoundTf32(), new Pointwise.Add(), new Pointwise.Sub(), new Pointwise.Mul(), new Pointwise.Max(), new Pointwise.Min(),
                new Pointwise.Greater(), new Pointwise.Equal(),
                new Pointwise.ReluBackward(), new Pointwise.SigmoidBackward(), new Pointwise.SiluBackward(), new Pointwise.MulAdd(), new Pointwise.Select());
        for (Pointwise op : ops) {
            for (int n : LENGTHS) {
                for (int steps = 0; steps < 1 << op.arity(); steps++) {
                    long sa = steps & 1;
                    long sb = steps >> 1 & 1;
                    long sc = steps >> 2 & 1;
                    Guarded a = random(sa == 1 ? n : 1, 1);
                    Guarded b = random(sb == 1 ? n : 1, 2);
                    Guarded c = random(sc == 1 ? n : 1, 3);
                    same(set + " " + op + " " + n + " steps " + steps, simd, n, 2,
                            (s, y) -> PointwiseLoop.of(op, s).run(a.address, sa, b.address, sb, c.address, sc, y.address, n));
                }
                Guarded b = random(n, 2);
                same(set + " " + op + " " + n + " in place", simd, n, 2, (s, y) -> PointwiseLoop.of(op, s).run(y.address, 1, b.address, 1, b.address, 1, y.address, n));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void copies(InstructionSet set) {
        Simd simd = of(set);
        for (int rows : ROWS) {
            for (int c : CHANNELS) {
                String what = set + " " + rows + "x" + c;
                Guarded x = random((long) rows * (c + 3) - 3, 1);
                same("copy " + what, simd, (long) rows * c, 0, (s, y) -> s.copyRows(rows, c, x.address, 4L * (c + 3), y.address, 4L * c));
                same("transpose " + what, simd, (long) rows * c, 0, (s, y) -> s.transpose(rows, c, x.address, 4L * (c + 3), y.address, 4L * rows));
                same("fill " + what, simd, c, 0, (s, y) -> s.fill(y.address, c, 0.75f));
                same("add " + what, simd, c, 0, (s, y) -> s.addTo(x.address, y.address, c));
                same("scale " + what, simd, c, 0, (s, y) -> assertTrue(s.scale(x.address, y.address, c, 0.3f)));
                assertEquals(plain.squares(x.address, c), simd.squares(x.address, c), 1e-4, what);
                assertTrue(simd.finite(x.address, c));
                Guarded matrix = random((long) rows * c, 5);
                Guarded bias = random(rows, 6);
                same("rows times a vector " + what, simd, rows, c, (s, y) -> s.rowDots(rows, c, matrix.address, x.address, bias.address, y.address));
            }
        }
        for (int n : LENGTHS) {
            for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                Guarded x = random(n, 1);
                x.set(n - 1, odd);
                assertEquals(false, simd.finite(x.address, n));
                assertEquals(false, simd.scale(x.address, x.address, n, 2));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void halves(InstructionSet set) {
        Simd simd = of(set);
        for (DType half : List.of(DType.F16, DType.BF16)) {
            for (int n : LENGTHS) {
                Guarded x = random(n, n);
                float[] odd = {Float.NaN, Float.POSITIVE_INFINITY, 1e-7f, 65519, 65520, -0f, 1 + 0x1p-11f, 1 + 0x1p-8f, 3e38f, 1e-40f};
                for (int i = 0; i < Math.min(n, odd.length); i++) {
                    x.set(n - 1 - i, odd[i]);
                }
                Guarded got = Guarded.bytes(arena, 2L * n);
                Guarded want = Guarded.bytes(arena, 2L * n);
                plain.narrow(half, 1, n, x.address, 0, want.address, 0);
                simd.narrow(half, 1, n, x.address, 0, got.address, 0);
                got.check("narrow");
                got.expectSame(want, set + " narrow " + half + " " + n);
                Guarded wide = random(n, 3);
                Guarded other = random(n, 3);
                plain.widen(half, 1, n, want.address, 0, other.address, 0);
                simd.widen(half, 1, n, want.address, 0, wide.address, 0);
                wide.check("widen");
                wide.expectSame(other, set + " widen " + half + " " + n);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void tiles(InstructionSet set) {
        Simd simd = of(set);
        Guarded scratch = random(Simd.TILE_ROWS * 64L, 9);
        for (int rows = 1; rows <= Simd.TILE_ROWS; rows++) {
            for (int columns = 1; columns <= simd.panel(); columns++) {
                for (int k : new int[] {1, 2, 9}) {
                    int r = rows;
                    int n = columns;
                    int width = (n + simd.lanes() - 1) / simd.lanes() * simd.lanes();
                    Guarded a = random((long) rows * (k + 1), 1);
                    Guarded b = random((long) k * width, 2);
                    for (boolean add : new boolean[] {false, true}) {
                        same(set + " tile " + r + "x" + n + "x" + k, simd, (long) r * n, k, (s, c) ->
                                s.tile(r, n, k, a.address, 4L * k, 4, b.address, 4L * width, c.address, 4L * n, add, scratch.address));
                        same(set + " tile, other strides", simd, (long) r * n, k,
                                (s, c) -> s.tile(r, n, k, a.address, 4, 4L * r, b.address, 4L * width, c.address, 4L * n, add, scratch.address));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void windows(InstructionSet set) {
        Simd simd = of(set);
        for (int c : CHANNELS) {
            for (int taps : new int[] {1, 3, 9}) {
                int pixels = 3;
                Guarded x = random((taps + 2L) * c, 1);
                Guarded w = random((taps + 2L) * c, 2);
                Guarded table = Guarded.bytes(arena, (long) taps * Simd.TAP_BYTES);
                for (int t = 0; t < taps; t++) {
                    long e = table.address + (long) t * Simd.TAP_BYTES;
                    Raw.setLong(e, x.address + 4L * t * c);
                    Raw.setLong(e + 8, w.address + 4L * t * c);
                    Raw.setInt(e + 16, t + 2);
                }
                String what = set + " " + c + " channels, " + taps + " taps";
                long step = 4L * c;
                same("products " + what, simd, (long) pixels * c, taps, (s, y) -> s.windowProducts(taps, table.address, pixels, step, c, y.address, step));
                x.set(x.n / 2, Float.NaN);
                Guarded index = random((long) pixels * c, 4);
                Guarded wanted = random((long) pixels * c, 4);
                Guarded got = random((long) pixels * c, 5);
                Guarded want = random((long) pixels * c, 5);
                simd.windowMax(taps, table.address, pixels, step, c, got.address, index.address, step);
                plain.windowMax(taps, table.address, pixels, step, c, want.address, wanted.address, step);
                got.check(what);
                index.check(what);
                got.expectSame(want, "largest " + what);
                index.expectSame(wanted, "taps " + what);
                x.set(x.n / 2, 0);
                for (int i = 0; i < w.n; i++) {
                    Raw.setInt(w.address + 4L * i, i % 5);
                }
                same("route " + what, simd, (long) pixels * c, taps, (s, y) -> s.windowRoute(taps, table.address, pixels, step, c, y.address, step));
                for (int t = 0; t < taps; t++) {
                    Raw.set(table.address + (long) t * Simd.TAP_BYTES + 16, 0.1f * t);
                }
                same("sum " + what, simd, (long) pixels * c, taps, (s, y) -> s.windowSum(taps, table.address, pixels, step, c, y.address, step));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void updates(InstructionSet set) {
        Simd simd = of(set);
        List<Update.Rule> rules = List.of(new Update.Sgd(0), new Update.Average(), new Update.Accumulate(), new Update.SgdMomentum(0.9, 0, false),
                new Update.SgdMomentum(0.9, 0, true),
                new Update.SgdMomentum(0.9, 0, true, Update.SgdMomentum.Form.KERAS), new Update.SgdMomentum(0.9, 0, false, Update.SgdMomentum.Form.KERAS),
                new Update.RmsProp(0.9, 1e-3, 0.9, 0, Update.RmsProp.Form.PYTORCH), new Update.RmsProp(0.9, 1e-3, 0.9, 0, Update.RmsProp.Form.TENSORFLOW),
                new Update.Adam(0.9, 0.99, 1e-3, 0, false), new Update.Adam(0.9, 0.99, 1e-3, 0, true));
        for (Update.Rule rule : rules) {
            for (int n : LENGTHS) {
                for (float rate : new float[] {0.1f, 0}) {
                    long bytes = 4L * n;
                    Guarded g = random(n, 6);
                    same(set + " " + rule + " " + n, simd, 3L * n, 4, (s, state) -> {
                        for (int i = 0; i < state.n; i++) {
                            state.set(i, Math.abs(state.get(i)));
                        }
                        s.update(rule).run(state.address, state.address + bytes, state.address + 2 * bytes, g.address, n, 0.3f, rate, 3);
                    });
                }
            }
        }
    }
}
