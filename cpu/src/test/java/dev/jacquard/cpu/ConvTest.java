package dev.jacquard.cpu;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ConvTest {
    private static Workers one;
    private static Workers two;

    @BeforeAll
    static void start() {
        one = new Workers(1);
        two = new Workers(2);
    }

    @AfterAll
    static void stop() {
        one.close();
        two.close();
    }

    private static ConvShape square(int n, int hw, int c, int k, int r, int stride, int pad) {
        return new ConvShape(n, hw, hw, c, k, r, r, stride, stride, pad, pad, pad, pad, 1, 1, 1);
    }

    private static ConvShape grouped(int n, int hw, int c, int k, int r, int stride, int pad, int groups) {
        return new ConvShape(n, hw, hw, c, k, r, r, stride, stride, pad, pad, pad, pad, 1, 1, groups);
    }

    static Stream<ConvShape> shapes() {
        List<ConvShape> s = new ArrayList<>();
        for (int n : new int[] {1, 2, 7, 16}) {
            s.add(square(n, 1, 40, 70, 3, 1, 1)); // one tap inside
            s.add(square(n, 2, 33, 17, 3, 1, 1));
            s.add(square(n, 4, 16, 64, 3, 1, 1));
            s.add(square(n, 7, 13, 24, 3, 2, 1));
            s.add(square(n, 6, 24, 65, 1, 1, 0));
            s.add(square(n, 5, 31, 12, 1, 2, 0));
            s.add(square(n, 9, 8, 20, 5, 2, 2));
            s.add(square(n, 3, 130, 6, 3, 2, 1));
            s.add(grouped(n, 6, 12, 18, 3, 1, 1, 3));
            s.add(grouped(n, 5, 20, 20, 3, 2, 1, 20));
            s.add(new ConvShape(n, 5, 8, 6, 10, 3, 2, 2, 1, 0, 1, 2, 0, 1, 1, 1)); // asymmetric padding
            s.add(new ConvShape(n, 9, 10, 7, 9, 3, 3, 1, 2, 2, 2, 1, 3, 2, 1, 1)); // dilation
        }
        s.add(square(2, 17, 3, 64, 7, 2, 3)); // stem
        s.add(square(16, 9, 3, 16, 3, 2, 1));
        s.add(square(3, 12, 1, 5, 5, 1, 2));
        s.add(square(2, 4, 1100, 8, 3, 1, 1)); // several depth blocks within a tap
        s.add(square(8, 1, 1100, 30, 1, 1, 0));
        s.add(square(6, 2, 600, 200, 3, 1, 1)); // tap outermost
        s.add(square(1, 30, 64, 64, 3, 1, 1));
        s.add(square(2, 28, 16, 32, 3, 2, 1));
        s.add(square(1, 8, 4, 4, 3, 3, 0)); // stride as large as the kernel, a rest left over
        s.add(square(2, 8, 4, 6, 2, 3, 0)); // stride beyond the kernel: inputs never read
        s.add(new ConvShape(1, 7, 7, 4, 4, 3, 3, 2, 2, 3, 0, 0, 3, 2, 2, 2));
        s.add(new ConvShape(13, 3, 5, 8, 8, 3, 3, 1, 1, 4, 4, 4, 4, 1, 1, 1)); // outputs that read padding only
        s.add(grouped(2, 6, 64, 64, 3, 1, 1, 16));
        s.add(grouped(2, 10, 48, 48, 5, 2, 2, 48));
        s.add(grouped(7, 7, 130, 130, 3, 1, 1, 130));
        s.add(new ConvShape(2, 11, 6, 70, 70, 3, 5, 2, 1, 0, 1, 3, 1, 1, 2, 70));
        s.add(grouped(2, 6, 8, 16, 3, 1, 1, 8)); // channel multiplier 2
        s.add(new ConvShape(1, 1, 300, 5, 7, 1, 9, 1, 1, 0, 0, 4, 4, 1, 1, 1));
        s.add(new ConvShape(1, 40, 1, 5, 70, 9, 1, 3, 1, 4, 4, 0, 0, 1, 1, 1));
        return s.stream();
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void threeDirections(ConvShape s) {
        for (Simd simd : List.of(Kernels.get(), Kernels.scalar())) {
            try (Arena arena = Arena.ofConfined()) {
                Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
                Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC()).random(2);
                Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(3);
                double[] y = new double[dy.n];
                double[] dx = new double[x.n];
                double[] dw = new double[w.n];
                naive(s, x, w, dy, y, dx, dw);
                int taps = s.r() * s.s();
                String name = s + " " + simd.describe();
                compare(arena, Conv.forward(s, one, simd), Conv.forward(s, two, simd), x, w, y, taps * s.groupC(), "forward " + name);
                compare(arena, Conv.backwardData(s, one, simd), Conv.backwardData(s, two, simd), dy, w, dx, taps * s.groupK(), "data " + name);
                compare(arena, Conv.backwardWeight(s, one, simd), Conv.backwardWeight(s, two, simd), x, dy, dw, s.n() * s.oh() * s.ow(), "weight " + name);
            }
        }
    }

    private static void compare(Arena arena, Conv conv, Conv threaded, Guarded first, Guarded second, double[] expected, int terms, String name) {
        Guarded out = new Guarded(arena, expected.length);
        Guarded again = new Guarded(arena, expected.length);
        run(arena, conv, first, second, out, name);
        run(arena, threaded, first, second, again, name);
        out.expect(expected, terms, name);
        again.expectSame(out, name);
        again.check(name);
    }

    private static void run(Arena arena, Conv conv, Guarded first, Guarded second, Guarded out, String name) {
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        conv.run(first.address, second.address, out.address, workspace.address);
        workspace.check(name + " workspace");
    }

    static void naive(ConvShape s, Guarded x, Guarded w, Guarded dy, double[] y, double[] dx, double[] dw) {
        for (int n = 0; n < s.n(); n++) {
            for (int oh = 0; oh < s.oh(); oh++) {
                for (int ow = 0; ow < s.ow(); ow++) {
                    for (int r = 0; r < s.r(); r++) {
                        for (int q = 0; q < s.s(); q++) {
                            int ih = oh * s.strideH() - s.padTop() + r * s.dilationH();
                            int iw = ow * s.strideW() - s.padLeft() + q * s.dilationW();
                            if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                                tap(s, x, w, dy, y, dx, dw, ((n * s.oh() + oh) * s.ow() + ow) * s.k(), ((n * s.h() + ih) * s.w() + iw) * s.c(), r * s.s() + q);
                            }
                        }
                    }
                }
            }
        }
    }

    private static void tap(ConvShape s, Guarded x, Guarded w, Guarded dy, double[] y, double[] dx, double[] dw, int yAt, int xAt, int tap) {
        for (int k = 0; k < s.k(); k++) {
            for (int c = 0; c < s.groupC(); c++) {
                int xi = xAt + k / s.groupK() * s.groupC() + c;
                int wi = (k * s.r() * s.s() + tap) * s.groupC() + c;
                y[yAt + k] += (double) x.get(xi) * w.get(wi);
                dx[xi] += (double) dy.get(yAt + k) * w.get(wi);
                dw[wi] += (double) dy.get(yAt + k) * x.get(xi);
            }
        }
    }
}
