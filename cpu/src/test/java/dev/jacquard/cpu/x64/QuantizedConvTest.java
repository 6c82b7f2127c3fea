package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against a loop over ints, in every way of multiplying that this machine has, with one thread and two. */
class QuantizedConvTest {
    private static final List<ByteEpilogue> EPILOGUES = List.of(new ByteEpilogue(0, Nonlinearity.NONE, true), new ByteEpilogue(0.5f, Nonlinearity.RELU, true),
            new ByteEpilogue(0, Nonlinearity.RELU, false), new ByteEpilogue(-0.75f, Nonlinearity.NONE, true),
            new ByteEpilogue(0, Nonlinearity.RELU, true), new ByteEpilogue(2, Nonlinearity.NONE, false));
    private static Workers one;
    private static Workers two;

    @BeforeAll
    static void start() {
        Assumptions.assumeTrue(Emission.refusal(InstructionSet.AVX2).isEmpty(), "no code can be emitted here");
        one = new Workers(1);
        two = new Workers(2);
    }

    @AfterAll
    static void stop() {
        if (one != null) {
            one.close();
            two.close();
        }
    }

    private static ConvShape square(int n, int hw, int c, int k, int r, int stride, int pad) {
        return grouped(n, hw, c, k, r, stride, pad, 1);
    }

    private static ConvShape grouped(int n, int hw, int c, int k, int r, int stride, int pad, int groups) {
        return new ConvShape(n, hw, hw, c, k, r, r, stride, stride, pad, pad, pad, pad, 1, 1, groups);
    }

    static Stream<ConvShape> shapes() {
        List<ConvShape> s = new ArrayList<>();
        for (int n : new int[] {1, 3, 16}) {
            s.add(square(n, 1, 40, 70, 3, 1, 1)); // one tap inside
            s.add(square(n, 2, 33, 17, 3, 1, 1));
            s.add(square(n, 4, 16, 64, 3, 1, 1));
            s.add(square(n, 7, 13, 24, 3, 2, 1));
            s.add(square(n, 6, 24, 65, 1, 1, 0));
            s.add(square(n, 5, 31, 12, 1, 2, 0));
            s.add(square(n, 9, 8, 20, 5, 2, 2));
            s.add(square(n, 14, 20, 130, 3, 1, 1));
            s.add(grouped(n, 6, 12, 18, 3, 1, 1, 3));
            s.add(grouped(n, 5, 20, 20, 3, 2, 1, 20));
            s.add(new ConvShape(n, 5, 8, 6, 10, 3, 2, 2, 1, 0, 1, 2, 0, 1, 1, 1)); // asymmetric padding
            s.add(new ConvShape(n, 9, 10, 7, 9, 3, 3, 1, 2, 2, 2, 1, 3, 2, 2, 1)); // dilation
        }
        for (int k = 1; k <= 17; k += 2) {
            s.add(square(1, 3, k, 2 * k + 31, 1, 1, 0));
            s.add(square(2, 3, 18 - k, k, 3, 1, 1));
        }
        s.add(square(2, 33, 3, 64, 7, 2, 3)); // stem
        s.add(square(1, 230, 4, 8, 3, 1, 1)); // rows longer than a block
        s.add(square(2, 4, 1100, 8, 3, 1, 1));
        s.add(square(1, 20, 64, 300, 1, 1, 0));
        s.add(square(1, 8, 4, 4, 3, 3, 0)); // stride as large as the kernel, a rest left over
        s.add(square(2, 8, 4, 6, 2, 3, 0)); // stride beyond the kernel: inputs never read
        s.add(new ConvShape(13, 3, 5, 8, 8, 3, 3, 1, 1, 4, 4, 4, 4, 1, 1, 1)); // outputs that read padding only
        s.add(new ConvShape(2, 5, 5, 8, 8, 1, 1, 2, 2, 3, 3, 3, 3, 1, 1, 1)); // padding around single taps
        s.add(new ConvShape(1, 1, 300, 5, 7, 1, 9, 1, 1, 0, 0, 4, 4, 1, 1, 1));
        s.add(new ConvShape(1, 40, 1, 5, 70, 9, 1, 3, 1, 4, 4, 0, 0, 1, 1, 1));
        for (int width : new int[] {4, 8, 16, 32}) {
            s.add(grouped(2, 9, 64, 64, 3, 1, 1, 64 / width));
            s.add(grouped(3, 7, 96, 96, 3, 2, 1, 96 / width));
        }
        for (int c : new int[] {8, 32, 64, 70, 130}) {
            s.add(grouped(3, 10, c, c, 5, 2, 2, c));
            s.add(grouped(2, 7, c, c, 3, 1, 1, c));
        }
        s.add(new ConvShape(2, 11, 6, 70, 70, 3, 5, 2, 1, 0, 1, 3, 1, 1, 2, 70));
        s.add(grouped(2, 6, 8, 16, 3, 1, 1, 8)); // channel multiplier 2
        return s.stream();
    }

    private static List<ByteDot> dots() {
        CpuFeatures here = CpuFeatures.get();
        return Arrays.stream(ByteDot.values()).filter(d -> d == ByteDot.WORDS || (d == ByteDot.VEX ? here.avxVnni() : here.vnni())).toList();
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void isExact(ConvShape s) {
        check(s, EPILOGUES, false);
    }

    /** The largest sums: 255 times -128 overflows 16 bits at once. */
    @Test
    void extremesDoNotSaturate() {
        check(square(2, 6, 64, 70, 3, 1, 1), List.of(new ByteEpilogue(0, Nonlinearity.NONE, false)), true);
        check(square(2, 6, 64, 70, 1, 1, 0), List.of(new ByteEpilogue(0, Nonlinearity.NONE, false)), true);
        check(grouped(2, 6, 64, 64, 3, 1, 1, 64), EPILOGUES, true);
        check(grouped(2, 6, 64, 64, 3, 1, 1, 16), List.of(new ByteEpilogue(0, Nonlinearity.NONE, false)), true);
    }

    private static void check(ConvShape s, List<ByteEpilogue> epilogues, boolean extreme) {
        try (Arena arena = Arena.ofConfined()) {
            GuardedBytes x = GuardedBytes.of(arena, (long) s.n() * s.h() * s.w() * s.c());
            GuardedBytes w = GuardedBytes.of(arena, (long) s.k() * s.r() * s.s() * s.groupC());
            GuardedBytes r = GuardedBytes.of(arena, (long) s.n() * s.oh() * s.ow() * s.k());
            Random random = new Random(7);
            x.fill(i -> (byte) (extreme ? i % 5 == 0 ? -128 : 127 : random.nextInt(256) - 128));
            w.fill(i -> (byte) (extreme ? -128 : random.nextInt(256) - 128));
            r.fill(i -> (byte) (random.nextInt(256) - 128));
            GuardedBytes scale = GuardedBytes.of(arena, 4L * s.k());
            GuardedBytes shift = GuardedBytes.of(arena, 4L * s.k());
            double terms = s.r() * s.s() * s.groupC();
            // Powers of two and small multiples of them: every value is exact in F32, and many lie half way between two integers.
            float unit = Math.scalb(1f, -(int) (8 + Math.log(terms) / Math.log(4)));
            for (int k = 0; k < s.k(); k++) {
                scale.setFloat(k, extreme ? Math.scalb(1f, -14) : unit * (1 + k % 3) * (k % 4 == 3 ? -1 : 1));
                shift.setFloat(k, extreme ? 0 : k % 7 * 0.25f - 1);
            }
            int[] sums = sums(s, x, w);
            for (ByteEpilogue e : epilogues) {
                for (ByteDot dot : dots()) {
                    GuardedBytes y = run(arena, s, e, one, dot, x, w, scale, shift, r);
                    compare(s, e, sums, scale, shift, r, y, dot + " " + s + " " + e);
                    y.same(run(arena, s, e, two, dot, x, w, scale, shift, r), dot + " " + s + " " + e);
                }
            }
        }
    }

    private static void compare(ConvShape s, ByteEpilogue e, int[] sums, GuardedBytes scale, GuardedBytes shift, GuardedBytes r, GuardedBytes y, String name) {
        for (int i = 0; i < sums.length; i++) {
            float v = expected(e, sums[i], scale.getFloat(i % s.k()), shift.getFloat(i % s.k()), r.get(i));
            double got = e.bytes() ? y.get(i) : y.getFloat(i);
            double want = e.bytes() ? Math.clamp(Math.rint(v), -128, 127) : v;
            if (got != want) {
                assertEquals(want, got, name + ": element " + i + " of sum " + sums[i]);
            }
        }
    }

    private static float expected(ByteEpilogue e, int sum, float scale, float shift, int r) {
        float v = Math.fma((float) sum, scale, shift);
        v = Math.fma((float) r, e.residualScale(), v);
        return e.activation() == Nonlinearity.RELU ? Math.max(v, 0) : v;
    }

    private static GuardedBytes run(Arena arena, ConvShape s, ByteEpilogue e, Workers workers, ByteDot dot, GuardedBytes x, GuardedBytes w, GuardedBytes scale, GuardedBytes shift,
            GuardedBytes r) {
        QuantizedConv conv = QuantizedConv.of(s, e, workers, dot);
        GuardedBytes packed = GuardedBytes.of(arena, conv.packedBytes());
        GuardedBytes workspace = GuardedBytes.of(arena, conv.workspaceBytes());
        GuardedBytes y = GuardedBytes.of(arena, r.bytes * e.size());
        conv.pack(w.address, packed.address);
        conv.run(x.address, packed.address, scale.address, shift.address, r.address, y.address, workspace.address);
        packed.check(conv + " packed");
        workspace.check(conv + " workspace");
        y.check(conv + " y");
        return y;
    }

    private static int[] sums(ConvShape s, GuardedBytes x, GuardedBytes w) {
        int[] y = new int[s.n() * s.oh() * s.ow() * s.k()];
        for (int n = 0; n < s.n(); n++) {
            for (int oh = 0; oh < s.oh(); oh++) {
                for (int ow = 0; ow < s.ow(); ow++) {
                    for (int r = 0; r < s.r(); r++) {
                        for (int q = 0; q < s.s(); q++) {
                            int ih = oh * s.strideH() - s.padTop() + r * s.dilationH();
                            int iw = ow * s.strideW() - s.padLeft() + q * s.dilationW();
                            if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                                tap(s, x, w, y, ((n * s.oh() + oh) * s.ow() + ow) * s.k(), ((n * s.h() + ih) * s.w() + iw) * s.c(), r * s.s() + q);
                            }
                        }
                    }
                }
            }
        }
        return y;
    }

    private static void tap(ConvShape s, GuardedBytes x, GuardedBytes w, int[] y, int yAt, int xAt, int tap) {
        for (int k = 0; k < s.k(); k++) {
            for (int c = 0; c < s.groupC(); c++) {
                y[yAt + k] += x.get(xAt + k / s.groupK() * s.groupC() + c) * w.get((k * s.r() * s.s() + tap) * s.groupC() + c);
            }
        }
    }
}
