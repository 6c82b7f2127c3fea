package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.EmittedProduct;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Emitted products of odd sizes against a naive loop in double precision, under guard bands; one thread and three bit for bit the same. */
class EmittedProductTest {
    private static final int[] SIZES = {1, 2, 5, 7, 13, 24, 31, 33, 64, 65, 127};

    @ParameterizedTest
    @EnumSource
    void everyTransposeAndOddSize(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        try (Workers one = new Workers(1); Workers three = new Workers(3)) {
            int seed = 0;
            for (int m : SIZES) {
                for (int n : SIZES) {
                    for (int k : new int[] {0, 1, 7, 33, 127}) {
                        int flags = seed++ & 3;
                        compare(new EmittedProduct.Spec(m, n, k, (flags & 1) != 0, (flags & 2) != 0), set, one, three, seed);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void severalBlocks(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        try (Workers one = new Workers(1); Workers three = new Workers(3)) {
            for (int flags = 0; flags < 4; flags++) {
                compare(new EmittedProduct.Spec(205, 150, 2700, (flags & 1) != 0, (flags & 2) != 0), set, one, three, flags);
                compare(new EmittedProduct.Spec(7, 500, 1100, (flags & 1) != 0, (flags & 2) != 0), set, one, three, flags);
            }
        }
    }

    /** Products that are gradients of weights in disguise: columns of A a page apart, long sums of few results. */
    @ParameterizedTest
    @EnumSource
    void transposedInBlocks(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        try (Workers one = new Workers(1); Workers three = new Workers(3)) {
            int[][] sizes = {{1024, 37, 300}, {16, 16, 1000}, {7, 500, 1100}, {33, 130, 264}, {1, 1, 257}, {500, 9, 2049}};
            for (int[] s : sizes) {
                transposed(new EmittedProduct.Spec(s[0], s[1], s[2], true, false), set, one, three);
            }
            assertTrue(EmittedProduct.transposed(new EmittedProduct.Spec(512, 512, 512, true, false), one, set).isEmpty());
            assertTrue(EmittedProduct.transposed(new EmittedProduct.Spec(16, 16, 1000, true, true), one, set).isEmpty());
            assertTrue(EmittedProduct.transposed(new EmittedProduct.Spec(16, 0, 1000, true, false), one, set).isEmpty());
        }
    }

    /** The op that such a product is bound to: small whole numbers, whose sums are exact. */
    @Test
    void transposedAsAnOp() {
        int m = 17;
        int n = 11;
        int k = 300;
        double[] a = IntStream.range(0, k * m).mapToDouble(i -> i % 7 - 3).toArray();
        double[] b = IntStream.range(0, k * n).mapToDouble(i -> i % 5 - 1).toArray();
        double[] want = new double[m * n];
        for (int p = 0; p < k; p++) {
            for (int i = 0; i < m * n; i++) {
                want[i] += a[p * m + i / n] * b[p * n + i % n];
            }
        }
        try (CpuBackend backend = new CpuBackend(2); Scope scope = Scope.open(backend)) {
            Tensor x = scope.tensor(TensorType.f32(k, m), a);
            Tensor y = scope.tensor(TensorType.f32(k, n), b);
            EagerTensor c = (EagerTensor) scope.apply(new MatMul(true, false), List.of(x, y)).getFirst();
            assertArrayEquals(want, c.doubles());
        }
    }

    private static void transposed(EmittedProduct.Spec s, InstructionSet set, Workers one, Workers three) {
        try (Arena arena = Arena.ofConfined()) {
            Guarded a = new Guarded(arena, (long) s.m() * s.k()).random(s.m());
            Guarded b = new Guarded(arena, (long) s.k() * s.n()).random(s.n());
            Guarded c = new Guarded(arena, (long) s.m() * s.n());
            Guarded again = new Guarded(arena, c.n);
            for (Guarded result : List.of(c, again)) {
                Conv plan = EmittedProduct.transposed(s, result == c ? one : three, set).orElseThrow();
                Guarded workspace = Guarded.bytes(arena, plan.workspaceBytes());
                plan.run(b.address, a.address, result.address, workspace.address);
                workspace.check(s + " workspace");
                result.check(s + " " + set);
            }
            c.expect(naive(s, a, b), s.k(), s + " " + set);
            again.expectSame(c, s + " three threads");
        }
    }

    private static void compare(EmittedProduct.Spec s, InstructionSet set, Workers one, Workers three, int seed) {
        Epilogue e = new Epilogue(seed % 7 == 1, seed % 5 < 2, seed % 3 == 0, Nonlinearity.values()[seed % 11 % 3]);
        try (Arena arena = Arena.ofConfined()) {
            Guarded a = new Guarded(arena, (long) s.m() * s.k()).random(seed);
            Guarded b = new Guarded(arena, (long) s.k() * s.n()).random(seed + 1);
            Guarded scale = new Guarded(arena, s.n()).random(seed + 2);
            Guarded shift = new Guarded(arena, s.n()).random(seed + 3);
            Guarded residual = new Guarded(arena, (long) s.m() * s.n()).random(seed + 4);
            Guarded c = new Guarded(arena, residual.n);
            Guarded again = new Guarded(arena, residual.n).random(seed + 4);
            double[] expected = naive(s, a, b);
            EmittedConvolutionsTest.apply(e, expected, scale, shift, residual);
            run(EmittedProduct.of(s, e, one, set).orElseThrow(), arena, a, b, scale, shift, residual.address, c);
            run(EmittedProduct.of(s, e, three, set).orElseThrow(), arena, a, b, scale, shift, again.address, again);
            String what = s + " " + e + " " + set;
            c.expect(expected, s.k(), what);
            again.check(what);
            again.expectSame(c, what + " three threads, the residual overwritten");
        }
    }

    private static void run(EmittedProduct product, Arena arena, Guarded a, Guarded b, Guarded scale, Guarded shift, long residual, Guarded c) {
        Guarded workspace = Guarded.bytes(arena, product.workspaceBytes());
        product.run(a.address, b.address, scale.address, shift.address, residual, c.address, workspace.address);
        workspace.check("workspace");
    }

    private static double[] naive(EmittedProduct.Spec s, Guarded a, Guarded b) {
        double[] out = new double[s.m() * s.n()];
        for (int i = 0; i < s.m(); i++) {
            for (int j = 0; j < s.n(); j++) {
                for (int p = 0; p < s.k(); p++) {
                    float x = a.get(s.transposeA() ? (long) p * s.m() + i : (long) i * s.k() + p);
                    float y = b.get(s.transposeB() ? (long) j * s.k() + p : (long) p * s.n() + j);
                    out[i * s.n() + j] += (double) x * y;
                }
            }
        }
        return out;
    }
}
