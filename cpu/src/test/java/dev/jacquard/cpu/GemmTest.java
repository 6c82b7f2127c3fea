package dev.jacquard.cpu;

import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

class GemmTest {
    private static final int[] SIZES = {1, 2, 3, 5, 6, 7, 13, 31, 33, 64, 65, 127};

    @Test
    void everyFlagAndOddSize() {
        try (Workers one = new Workers(1); Workers two = new Workers(2)) {
            int seed = 0;
            for (int m : SIZES) {
                for (int n : SIZES) {
                    for (int k : new int[] {0, 1, 7, 33, 127}) {
                        int flags = seed++ & 7;
                        compare(new Gemm.Spec(m, n, k, (flags & 1) != 0, (flags & 2) != 0,
                                ((flags & 1) != 0 ? m : k) + seed % 3, ((flags & 2) != 0 ? k : n) + seed % 5, n + seed % 4, (flags & 4) != 0), one, two, seed);
                    }
                }
            }
        }
    }

    @Test
    void severalDepthAndRowBlocks() {
        try (Workers one = new Workers(1); Workers two = new Workers(2)) {
            for (int flags = 0; flags < 8; flags++) {
                boolean ta = (flags & 1) != 0;
                boolean tb = (flags & 2) != 0;
                compare(new Gemm.Spec(205, 150, 700, ta, tb, ta ? 205 : 700, tb ? 700 : 150, 150, (flags & 4) != 0), one, two, flags);
            }
        }
    }

    private static void compare(Gemm.Spec s, Workers one, Workers two, long seed) {
        for (Simd simd : List.of(Kernels.get(), Kernels.scalar())) {
            try (Arena arena = Arena.ofConfined()) {
                Guarded a = new Guarded(arena, (long) s.lda() * (s.transposeA() ? s.k() : s.m())).random(seed);
                Guarded b = new Guarded(arena, (long) s.ldb() * (s.transposeB() ? s.n() : s.k())).random(seed + 1);
                Guarded c = new Guarded(arena, (long) s.ldc() * s.m()).random(seed + 2);
                Guarded again = new Guarded(arena, (long) s.ldc() * s.m()).random(seed + 2);
                double[] expected = naive(s, a, b, c);
                run(new Gemm(s, one, simd), arena, a, b, c);
                run(new Gemm(s, two, simd), arena, a, b, again);
                String what = s + " " + simd.describe();
                c.expect(expected, s.k(), what);
                again.expectSame(c, what + " two threads");
                a.check(what);
                b.check(what);
            }
        }
    }

    private static void run(Gemm gemm, Arena arena, Guarded a, Guarded b, Guarded c) {
        Guarded workspace = Guarded.bytes(arena, gemm.workspaceBytes());
        gemm.run(a.address, b.address, c.address, workspace.address);
        workspace.check("workspace");
    }

    private static double[] naive(Gemm.Spec s, Guarded a, Guarded b, Guarded c) {
        double[] out = c.toArray();
        for (int i = 0; i < s.m(); i++) {
            for (int j = 0; j < s.n(); j++) {
                double sum = s.accumulate() ? c.get((long) i * s.ldc() + j) : 0;
                for (int p = 0; p < s.k(); p++) {
                    float x = a.get(s.transposeA() ? (long) p * s.lda() + i : (long) i * s.lda() + p);
                    float y = b.get(s.transposeB() ? (long) j * s.ldb() + p : (long) p * s.ldb() + j);
                    sum += (double) x * y;
                }
                out[i * s.ldc() + j] = sum;
            }
        }
        return out;
    }
}
