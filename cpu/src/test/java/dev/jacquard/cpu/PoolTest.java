package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PoolTest {
    static Stream<ConvShape> shapes() {
        return Stream.of(
                pool(2, 16, 16, 64, 3, 2, 1, 1), pool(1, 7, 9, 5, 2, 2, 0, 0), pool(3, 5, 5, 33, 3, 1, 1, 0), pool(2, 7, 7, 17, 7, 1, 0, 0),
                pool(1, 9, 6, 70, 3, 3, 0, 2), pool(2, 4, 4, 16, 1, 3, 0, 0), pool(5, 1, 1, 130, 3, 2, 1, 1));
    }

    private static ConvShape pool(int n, int h, int w, int c, int k, int stride, int before, int after) {
        return new ConvShape(n, h, w, c, c, k, k, stride, stride, before, after, before, after, 1, 1, c);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void bothKindsBothWays(ConvShape s) {
        for (Simd simd : new Simd[] {Kernels.get(), Kernels.scalar()}) {
            try (Workers workers = new Workers(2); Arena arena = Arena.ofConfined()) {
                Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
                x.set(3, Float.NaN);
                Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.c()).random(2);
                max(s, simd, workers, arena, x, dy);
                x.set(3, 0.5f);
                average(s, true, simd, workers, arena, x, dy);
                average(s, false, simd, workers, arena, x, dy);
            }
        }
    }

    private static void run(Arena arena, Conv pool, Guarded first, long second, Guarded out) {
        Guarded workspace = Guarded.bytes(arena, pool.workspaceBytes());
        pool.run(first.address, second, out.address, workspace.address);
        workspace.check("workspace");
    }

    private static void max(ConvShape s, Simd simd, Workers workers, Arena arena, Guarded x, Guarded dy) {
        Guarded y = new Guarded(arena, dy.n);
        Guarded index = new Guarded(arena, dy.n);
        Guarded dx = new Guarded(arena, x.n);
        run(arena, Pool.maxForward(s, workers, simd), x, index.address, y);
        run(arena, Pool.maxBackward(s, workers, simd), dy, index.address, dx);
        double[] want = new double[x.n];
        for (int o = 0; o < y.n; o++) {
            int best = -1;
            for (int tap = 0; tap < s.r() * s.s(); tap++) {
                int i = input(s, o, tap);
                if (i >= 0 && (best < 0 || !Float.isNaN(x.get(input(s, o, best))) && !(x.get(i) <= x.get(input(s, o, best))))) {
                    best = tap;
                }
            }
            assertEquals(best, Raw.getInt(index.address + 4L * o), "tap of output " + o);
            if (best >= 0) {
                assertEquals(x.get(input(s, o, best)), y.get(o));
                want[input(s, o, best)] += dy.get(o);
            } else {
                assertEquals(Float.NEGATIVE_INFINITY, y.get(o));
            }
        }
        dx.expect(want, 9, "max backward");
        y.check("y");
        index.check("index");
    }

    private static void average(ConvShape s, boolean countPadding, Simd simd, Workers workers, Arena arena, Guarded x, Guarded dy) {
        Guarded y = new Guarded(arena, dy.n);
        Guarded dx = new Guarded(arena, x.n);
        run(arena, Pool.averageForward(s, countPadding, workers, simd), x, 0, y);
        run(arena, Pool.averageBackward(s, countPadding, workers, simd), dy, 0, dx);
        double[] forward = new double[y.n];
        double[] backward = new double[x.n];
        for (int o = 0; o < y.n; o++) {
            int inside = 0;
            for (int tap = 0; tap < s.r() * s.s(); tap++) {
                inside += input(s, o, tap) >= 0 ? 1 : 0;
            }
            double factor = 1.0 / (countPadding ? s.r() * s.s() : Math.max(1, inside));
            for (int tap = 0; tap < s.r() * s.s(); tap++) {
                int i = input(s, o, tap);
                if (i >= 0) {
                    forward[o] += x.get(i) * factor;
                    backward[i] += dy.get(o) * factor;
                }
            }
        }
        y.expect(forward, 49, "average");
        dx.expect(backward, 49, "average backward");
    }

    /** The element of x that output element o reads through a tap, or -1. */
    private static int input(ConvShape s, int o, int tap) {
        int c = o % s.c();
        int ow = o / s.c() % s.ow();
        int oh = o / s.c() / s.ow() % s.oh();
        int n = o / s.c() / s.ow() / s.oh();
        int ih = oh * s.strideH() - s.padTop() + tap / s.s() * s.dilationH();
        int iw = ow * s.strideW() - s.padLeft() + tap % s.s() * s.dilationW();
        return ih < 0 || ih >= s.h() || iw < 0 || iw >= s.w() ? -1 : ((n * s.h() + ih) * s.w() + iw) * s.c() + c;
    }
}
