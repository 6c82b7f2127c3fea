package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.Guarded;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Sums that gradients of images make for a batch normalisation, of every kind of kernel and epilogue, against those of the stored gradient in double precision; between guard
 * bands, with one thread and three.
 */
class GradientSumsTest {
    private static final double EPS = 1e-3;

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

    private static ConvShape square(int n, int hw, int c, int k, int r, int stride, int pad) {
        return new ConvShape(n, hw, hw, c, k, r, r, stride, stride, pad, pad, pad, pad, 1, 1, 1);
    }

    private static List<ConvShape> shapes() {
        List<ConvShape> s = new ArrayList<>();
        for (int c : new int[] {1, 8, 15, 17, 24, 40, 64, 65, 80, 96, 130}) {
            s.add(square(2, 7, c, 5, 1, 1, 0));
            s.add(square(2, 6, c, 5, 3, 2, 1));
        }
        for (int rows = 1; rows < 30; rows++) {
            s.add(new ConvShape(rows, 1, 1, 64, 21, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
            s.add(new ConvShape(rows, 1, 1, 43, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
        }
        s.add(square(4, 14, 256, 64, 1, 1, 0));
        s.add(square(3, 28, 130, 32, 1, 2, 0)); // positions that no tap reaches
        s.add(square(5, 3, 70, 3000, 1, 1, 0)); // depth in several parts
        s.add(square(7, 4, 65, 700, 3, 1, 1)); // tiles of images, taps in several parts
        s.add(square(16, 7, 40, 48, 5, 1, 2));
        s.add(square(1, 316, 64, 4, 1, 1, 0)); // results that go past the caches
        s.add(square(2, 28, 64, 64, 3, 1, 1)); // Winograd's, where the choice falls on it
        s.add(square(3, 14, 72, 130, 3, 1, 1));
        return s;
    }

    static Stream<Case> cases() {
        return Stream.of(InstructionSet.values()).flatMap(set -> shapes().stream().map(s -> new Case(set, s)));
    }

    record Case(InstructionSet set, ConvShape shape) {}

    @ParameterizedTest
    @MethodSource("cases")
    void everyKernel(Case test) {
        assumeTrue(Emission.refusal(test.set).isEmpty(), "no such instructions here");
        check(test.shape, (e, team) -> EmittedConvolutions.backwardData(test.shape, e, team, test.set));
    }

    /** By Winograd's algorithm whether or not it would be chosen: both kinds of tiles, in stages and not. */
    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void winograd(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        for (ConvShape s : List.of(square(2, 9, 19, 17, 3, 1, 1), square(3, 7, 130, 40, 3, 1, 1), square(2, 3, 65, 33, 3, 1, 1))) {
            for (boolean staged : new boolean[] {false, true}) {
                for (WinogradAxis cols : List.of(WinogradAxis.TWO, WinogradAxis.FOUR)) {
                    check(s, (e, team) -> new WinogradConv(WinogradPlan.backwardData(s, WinogradAxis.TWO, cols, staged ? 3 : 2, staged), e, team, set));
                }
            }
        }
    }

    /** What has no such kernel says so when it is planned, not when it runs. */
    @Test
    void groupsHaveNone() {
        assumeTrue(Emission.refusal(InstructionSet.AVX2).isEmpty(), "no such instructions here");
        ConvShape s = new ConvShape(1, 4, 4, 16, 16, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 2);
        assertThrows(IllegalArgumentException.class, () -> EmittedConvolutions.backwardData(s, Epilogue.ofNormalised(false, Rectifier.NONE), one, InstructionSet.AVX2));
    }

    /** Operands of a run, and its results. */
    private record Data(Guarded dy, Guarded w, Guarded x, Guarded residual, Guarded result, List<Guarded> perChannel) {
        static Data of(Arena arena, ConvShape s) {
            long image = (long) s.n() * s.h() * s.w() * s.c();
            List<Guarded> channels = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Guarded each = new Guarded(arena, s.c()).random(7 + i);
                for (int c = 0; i == 1 && c < each.n; c++) {
                    each.set(c, Math.abs(each.get(c)) + 0.1f); // a variance
                }
                channels.add(each);
            }
            return new Data(new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(1), new Guarded(arena, (long) s.k() * s.r() * s.s() * s.c()).random(2),
                    new Guarded(arena, image).random(3), new Guarded(arena, image).random(4), new Guarded(arena, image).random(5), List.copyOf(channels));
        }
    }

    private static void check(ConvShape s, BiFunction<Epilogue, Workers, PackedConv> plans) {
        try (Arena arena = Arena.ofConfined()) {
            Data d = Data.of(arena, s);
            for (boolean residual : new boolean[] {false, true}) {
                Guarded plain = run(arena, d, plans.apply(new Epilogue(false, false, residual, Epilogue.NONE.activation()), one), s, Rectifier.NONE, null);
                for (Rectifier rectifier : Rectifier.values()) {
                    List<Guarded> sums = List.of(new Guarded(arena, s.c()), new Guarded(arena, s.c()));
                    List<Guarded> again = List.of(new Guarded(arena, s.c()), new Guarded(arena, s.c()));
                    Epilogue e = Epilogue.ofNormalised(residual, rectifier);
                    Guarded g = run(arena, d, plans.apply(e, one), s, rectifier, sums);
                    String what = s + " " + e;
                    compare(d, s, rectifier, plain, g, sums, what);
                    run(arena, d, plans.apply(e, three), s, rectifier, again).expectSame(g, what + ", three threads");
                    again.get(0).expectSame(sums.get(0), what + ", three threads, dgamma");
                    again.get(1).expectSame(sums.get(1), what + ", three threads, dbeta");
                }
            }
        }
    }

    /** @param sums null if the plan makes none */
    private static Guarded run(Arena arena, Data d, PackedConv conv, ConvShape s, Rectifier rectifier, List<Guarded> sums) {
        Guarded packed = Guarded.bytes(arena, conv.packedBytes());
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        Guarded g = new Guarded(arena, d.x.n);
        if (sums != null) {
            boolean masks = rectifier == Rectifier.NORMALISED;
            conv.beside(new Beside.Normalised(d.x.address, d.perChannel.get(0).address, d.perChannel.get(1).address, masks ? d.perChannel.get(2).address : 0,
                    masks ? d.perChannel.get(3).address : 0, EPS, sums.get(0).address, sums.get(1).address));
        }
        if (rectifier == Rectifier.RESULT) {
            conv.beside(new Beside.Rectified(d.result.address));
        }
        conv.pack(d.w.address, packed.address);
        conv.run(d.dy.address, packed.address, 0, 0, d.residual.address, g.address, workspace.address);
        workspace.check("workspace");
        g.check("gradient");
        if (sums != null) {
            sums.get(0).check("dgamma");
            sums.get(1).check("dbeta");
        }
        return g;
    }

    private static void compare(Data d, ConvShape s, Rectifier rectifier, Guarded plain, Guarded g, List<Guarded> sums, String what) {
        double[] slope = new double[s.c()];
        double[] sum = new double[s.c()];
        double[] size = new double[s.c()];
        for (int i = 0; i < g.n; i++) {
            int c = i % s.c();
            double xhat = (d.x.get(i) - d.perChannel.get(0).get(c)) / Math.sqrt(d.perChannel.get(1).get(c) + EPS);
            double z = xhat * d.perChannel.get(2).get(c) + d.perChannel.get(3).get(c);
            boolean on = switch (rectifier) {
                case NONE -> true;
                case RESULT -> d.result.get(i) > 0;
                case NORMALISED -> z > 0;
            };
            boolean close = rectifier == Rectifier.NORMALISED && Math.abs(z) < 1e-5;
            int at = i;
            assertTrue(close || g.get(i) == (on ? plain.get(i) : 0), () -> what + ", element " + at + ": " + g.get(at) + ", not " + (on ? plain.get(at) : 0));
            slope[c] += g.get(i) * xhat;
            sum[c] += g.get(i);
            size[c] += Math.abs((double) g.get(i)) * Math.max(1, Math.abs(xhat));
        }
        for (int c = 0; c < s.c(); c++) {
            int channel = c;
            double tolerance = 1e-6 * size[c] + 1e-30;
            assertEquals(slope[c], sums.get(0).get(c), tolerance, () -> what + ", dgamma of channel " + channel);
            assertEquals(sum[c], sums.get(1).get(c), tolerance, () -> what + ", dbeta of channel " + channel);
        }
    }
}
