package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.Guarded;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Statistics that convolutions make of their results, of every kind of kernel, against those of the stored results in double precision; between guard bands, with one thread and
 * three.
 */
class ConvolutionStatisticsTest {
    private static Workers one;
    private static Workers three;

    @BeforeAll
    static void start() {
        one = new Workers(1);
        three = new Workers(3);
    }

    @AfterAll
    static void stop() {
        one.close();
        three.close();
    }

    private static ConvShape square(int n, int hw, int c, int k, int r, int stride, int pad, int groups) {
        return new ConvShape(n, hw, hw, c, k, r, r, stride, stride, pad, pad, pad, pad, 1, 1, groups);
    }

    private static List<ConvShape> shapes() {
        List<ConvShape> s = new ArrayList<>();
        for (int k : new int[] {1, 8, 15, 17, 24, 40, 64, 65, 80, 130}) {
            s.add(square(2, 7, 5, k, 1, 1, 0, 1));
            s.add(square(2, 5, 6, k, 3, 2, 1, 1));
        }
        for (int rows = 1; rows < 30; rows++) {
            s.add(new ConvShape(rows, 1, 1, 21, 64, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
            s.add(new ConvShape(rows, 1, 1, 3, 43, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
        }
        s.add(square(4, 14, 64, 256, 1, 1, 0, 1));
        s.add(square(3, 28, 32, 130, 1, 2, 0, 1));
        s.add(square(5, 3, 3000, 70, 1, 1, 0, 1)); // depth in several parts
        s.add(square(7, 4, 700, 65, 3, 1, 1, 1)); // tiles of images, taps in several parts
        s.add(square(16, 7, 48, 40, 5, 1, 2, 1));
        s.add(square(3, 12, 24, 36, 3, 1, 1, 2)); // groups that do not lie on vectors
        s.add(square(4, 6, 33, 150, 3, 1, 1, 3));
        s.add(square(2, 40, 3, 64, 7, 2, 3, 1)); // stems
        s.add(square(3, 31, 3, 33, 3, 2, 1, 1));
        s.add(square(1, 316, 4, 64, 1, 1, 0, 1)); // outputs that go past the caches
        s.add(square(1, 321, 3, 64, 3, 1, 1, 1));
        s.add(square(1, 112, 352, 352, 3, 1, 1, 352));
        s.add(square(2, 28, 64, 64, 3, 1, 1, 1)); // Winograd's, where the choice falls on it
        s.add(square(3, 14, 130, 72, 3, 1, 1, 1));
        for (int c : new int[] {1, 2, 7, 16, 17, 33, 96}) {
            s.add(square(3, 9, c, c, 3, 1, 1, c));
            s.add(square(2, 15, c, c, 5, 2, 2, c));
            s.add(square(17, 2, c, c, 3, 1, 1, c));
        }
        s.add(square(2, 14, 128, 128, 3, 1, 1, 32));
        s.add(square(2, 9, 256, 256, 3, 2, 1, 32));
        s.add(square(2, 9, 512, 512, 3, 1, 1, 32));
        s.add(square(2, 7, 1024, 1024, 3, 1, 1, 32));
        s.add(square(2, 56, 144, 144, 3, 2, 1, 144));
        return s;
    }

    static Stream<Case> cases() {
        return Stream.of(InstructionSet.values()).flatMap(set -> shapes().stream().map(s -> new Case(set, s)));
    }

    record Case(InstructionSet set, ConvShape shape) {}

    @ParameterizedTest
    @MethodSource("cases")
    void everyKernel(Case test) {
        check(test, 0, 1);
    }

    /** A mean a hundred thousand times the deviation: what is lost is what single results have lost. */
    @ParameterizedTest
    @MethodSource("cases")
    void largeMeans(Case test) {
        check(test, 1000, 0.01);
    }

    private static void check(Case test, float mean, double deviation) {
        assumeTrue(Emission.refusal(test.set).isEmpty(), "no such instructions here");
        ConvShape s = test.shape;
        check(s, EmittedConvolutions.forward(s, Epilogue.NONE, one, test.set), EmittedConvolutions.forward(s, Epilogue.STATISTICS, one, test.set),
                EmittedConvolutions.forward(s, Epilogue.STATISTICS, three, test.set), mean, deviation);
    }

    /** By Winograd's algorithm whether or not it would be chosen: both kinds of tiles, in stages and not. */
    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void winograd(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        for (ConvShape s : List.of(square(2, 9, 17, 19, 3, 1, 1, 1), square(3, 7, 40, 130, 3, 1, 1, 1), square(2, 3, 33, 65, 3, 1, 0, 1), square(1, 14, 16, 64, 3, 1, 1, 1))) {
            for (boolean staged : new boolean[] {false, true}) {
                for (WinogradAxis cols : List.of(WinogradAxis.TWO, WinogradAxis.FOUR)) {
                    WinogradPlan plan = WinogradPlan.forward(s, WinogradAxis.TWO, cols, staged ? 3 : 2, staged);
                    check(s, new WinogradConv(plan, Epilogue.NONE, one, set), new WinogradConv(plan, Epilogue.STATISTICS, one, set),
                            new WinogradConv(plan, Epilogue.STATISTICS, three, set), 0, 1);
                }
            }
        }
    }

    /** Equal results have no variance, and never one below nothing. */
    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void constants(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        ConvShape s = square(3, 20, 5, 70, 1, 1, 0, 1);
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c());
            for (int i = 0; i < x.n; i++) {
                x.set(i, 0.1f + i % s.c());
            }
            Result r = run(arena, EmittedConvolutions.forward(s, Epilogue.STATISTICS, one, set), s, x, new Guarded(arena, (long) s.k() * s.c()).random(2));
            for (int c = 0; c < s.k(); c++) {
                assertEquals(r.y.get(c), r.mean.get(c));
                assertEquals(0, r.variance.get(c));
            }
        }
    }

    private record Result(Guarded y, Guarded mean, Guarded variance) {}

    private static void check(ConvShape s, PackedConv plain, PackedConv alone, PackedConv threaded, float center, double spread) {
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
            for (int i = 0; i < x.n; i++) {
                x.set(i, (float) (center + spread * x.get(i)));
            }
            Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC()).random(2);
            Result first = run(arena, alone, s, x, w);
            Guarded y = new Guarded(arena, first.y.n);
            Guarded packed = Guarded.bytes(arena, plain.packedBytes());
            plain.pack(w.address, packed.address);
            plain.run(x.address, packed.address, 0, 0, 0, y.address, Guarded.bytes(arena, plain.workspaceBytes()).address);
            first.y.expectSame(y, "the convolution itself");
            // Where all of an image is alike and its border is not, roundings are alike, too, and add up.
            compare(s, first, center == 0 ? 1e-5 : 2e-4);
            Result again = run(arena, threaded, s, x, w);
            again.y.expectSame(first.y, "three threads");
            again.mean.expectSame(first.mean, "three threads, mean");
            again.variance.expectSame(first.variance, "three threads, variance");
        }
    }

    private static Result run(Arena arena, PackedConv conv, ConvShape s, Guarded x, Guarded w) {
        Guarded packed = Guarded.bytes(arena, conv.packedBytes());
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        Result r = new Result(new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()), new Guarded(arena, s.k()), new Guarded(arena, s.k()));
        conv.pack(w.address, packed.address);
        conv.beside(new Beside.Moments(r.mean.address, r.variance.address));
        conv.run(x.address, packed.address, 0, 0, 0, r.y.address, workspace.address);
        workspace.check("workspace");
        packed.check("packed weights");
        r.y.check("output");
        r.mean.check("mean");
        r.variance.check("variance");
        return r;
    }

    /** A mean may be off by a rounding of itself and some of the deviation's, a variance by some of its own. */
    private static void compare(ConvShape s, Result r, double tolerance) {
        int pixels = r.y.n / s.k();
        for (int c = 0; c < s.k(); c++) {
            double mean = 0;
            for (int i = 0; i < pixels; i++) {
                mean += r.y.get((long) i * s.k() + c) / (double) pixels;
            }
            double variance = 0;
            for (int i = 0; i < pixels; i++) {
                double d = r.y.get((long) i * s.k() + c) - mean;
                variance += d * d / pixels;
            }
            int channel = c;
            double gotMean = r.mean.get(c);
            double gotVariance = r.variance.get(c);
            double expectedMean = mean;
            double expectedVariance = variance;
            assertTrue(Math.abs(gotMean - mean) <= 6e-8 * Math.abs(mean) + tolerance * Math.sqrt(variance), () -> s + ", mean of channel " + channel + ": " + gotMean + ", not "
                    + expectedMean);
            assertTrue(Math.abs(gotVariance - variance) <= tolerance * variance + 1e-30, () -> s + ", variance of channel " + channel + ": " + gotVariance + ", not "
                    + expectedVariance);
        }
    }
}
