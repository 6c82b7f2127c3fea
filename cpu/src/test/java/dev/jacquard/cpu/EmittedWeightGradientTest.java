package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.x64.EmittedConvolutions;
import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.InstructionSet;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Emitted backward of weight against a plain loop in double, under guard bands, with both instruction sets, and bitwise the same with one and three threads and from run to run.
 */
class EmittedWeightGradientTest {
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

    private static ConvShape square(int n, int hw, int c, int k, int r, int stride, int groups) {
        return new ConvShape(n, hw, hw, c, k, r, r, stride, stride, r / 2, r / 2, r / 2, r / 2, 1, 1, groups);
    }

    private static List<ConvShape> shapes() {
        List<ConvShape> s = new ArrayList<>(List.of(
                square(1, 1, 1, 1, 1, 1, 1),
                square(3, 30, 3, 64, 7, 2, 1), // stem: rows of the kernel, turned over
                square(2, 24, 3, 32, 3, 2, 1),
                square(5, 14, 16, 16, 3, 1, 1),
                square(4, 28, 32, 128, 3, 1, 1),
                square(3, 17, 96, 24, 1, 1, 1), // one vector and a half
                square(3, 17, 24, 144, 1, 1, 1),
                square(16, 7, 200, 130, 3, 1, 1), // several images a block, several parts
                square(16, 9, 129, 65, 3, 2, 1),
                square(2, 56, 64, 64, 1, 1, 1), // splits
                square(2, 33, 40, 50, 1, 2, 1),
                square(2, 12, 64, 96, 3, 1, 4), // groups of 16 and 24
                square(3, 10, 51, 34, 3, 1, 1),
                square(2, 13, 128, 128, 3, 2, 4), // wide groups with strides: parts of pixels are fetched in several walks
                square(6, 15, 260, 40, 3, 2, 1), // channels in parts, with strides
                square(5, 9, 1030, 37, 1, 1, 1), // one tap of packed operands
                square(3, 11, 1040, 1027, 1, 2, 1), // the same with strides
                square(5, 7, 528, 2051, 1, 1, 1), // tiles copy the next block, of which the last is smaller
                square(6, 7, 2064, 515, 1, 1, 1), // the same, blocks are equal
                square(4, 14, 2048, 520, 1, 2, 1), // with strides
                square(1, 30, 2048, 512, 1, 2, 1), // in bands
                square(3, 5, 1030, 1024, 1, 1, 1), // operands are copied before they are multiplied
                square(8, 10, 1024, 1027, 1, 1, 1), // the same, in two blocks
                square(2, 20, 36, 50, 3, 1, 1), // by Winograd's algorithm
                square(2, 15, 272, 300, 3, 1, 1), // the same, in parts
                new ConvShape(1, 20, 30, 1024, 9, 1, 1, 2, 3, 0, 0, 0, 0, 1, 1, 1), // in bands
                new ConvShape(2, 5, 5, 1024, 40, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1), // and with padding
                square(2, 30, 24, 144, 1, 1, 1), // more lines to fetch than tiles
                square(1, 2, 300, 500, 3, 1, 1), // taps outside of nearly everything
                new ConvShape(2, 1, 600, 17, 19, 1, 9, 1, 1, 0, 0, 4, 4, 1, 1, 1), // rows longer than a block
                new ConvShape(2, 3, 5, 33, 40, 3, 3, 1, 1, 4, 4, 4, 4, 1, 1, 1), // outputs that read padding only
                new ConvShape(1, 3, 3, 20, 20, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 1), // a tap inside for the centre alone
                new ConvShape(1, 1, 1, 20, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1), // taps that are outside everywhere
                new ConvShape(2, 7, 9, 6, 10, 3, 2, 2, 1, 0, 1, 2, 0, 1, 1, 1)));
        Random random = new Random(7);
        while (s.size() < 64) {
            int groups = random.nextInt(5) == 0 ? 2 : 1;
            int least = groups == 1 ? 1 : 16;
            ConvShape r = new ConvShape(1 + random.nextInt(5), 1 + random.nextInt(20), 1 + random.nextInt(20), groups * (least + random.nextInt(70)),
                    groups * (least + random.nextInt(70)),
                    1 + random.nextInt(4), 1 + random.nextInt(4), 1 + random.nextInt(2), 1 + random.nextInt(2), random.nextInt(3), random.nextInt(3), random.nextInt(3),
                    random.nextInt(3), 1 + random.nextInt(2), 1 + random.nextInt(2), groups);
            if (r.h() + r.padTop() + r.padBottom() > r.dilationH() * (r.r() - 1) && r.w() + r.padLeft() + r.padRight() > r.dilationW() * (r.s() - 1)) {
                s.add(r);
            }
        }
        return s;
    }

    static Stream<Arguments> cases() {
        return shapes().stream().flatMap(s -> Stream.of(InstructionSet.values()).map(set -> Arguments.of(s, set)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void isTheSumOverPositions(ConvShape s, InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), () -> Emission.refusal(set).orElseThrow());
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
            Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(2);
            Guarded dw = run(arena, s, set, one, x, dy);
            dw.expect(naive(s, x, dy, dw.n), (double) s.n() * s.oh() * s.ow(), s + " " + set);
            run(arena, s, set, three, x, dy).expectSame(dw, s + " with three threads");
            run(arena, s, set, one, x, dy).expectSame(dw, s + " again");
        }
    }

    private static Guarded run(Arena arena, ConvShape s, InstructionSet set, Workers workers, Guarded x, Guarded dy) {
        Conv conv = EmittedConvolutions.backwardWeight(s, workers, set).orElseThrow();
        Guarded dw = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC());
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        conv.run(x.address, dy.address, dw.address, workspace.address);
        dw.check(s + " gradient");
        workspace.check(s + " workspace");
        x.check(s + " x");
        dy.check(s + " dy");
        return dw;
    }

    private static double[] naive(ConvShape s, Guarded x, Guarded dy, int n) {
        double[] dw = new double[n];
        for (int p = 0; p < s.n() * s.oh() * s.ow(); p++) {
            for (int tap = 0; tap < s.r() * s.s(); tap++) {
                int ih = p / s.ow() % s.oh() * s.strideH() - s.padTop() + tap / s.s() * s.dilationH();
                int iw = p % s.ow() * s.strideW() - s.padLeft() + tap % s.s() * s.dilationW();
                if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                    tap(s, x, dy, dw, p, ((p / s.ow() / s.oh() * s.h() + ih) * s.w() + iw) * s.c(), tap);
                }
            }
        }
        return dw;
    }

    private static void tap(ConvShape s, Guarded x, Guarded dy, double[] dw, int p, int xAt, int tap) {
        for (int k = 0; k < s.k(); k++) {
            double g = dy.get((long) p * s.k() + k);
            int at = (k * s.r() * s.s() + tap) * s.groupC();
            int from = xAt + k / s.groupK() * s.groupC();
            for (int c = 0; c < s.groupC(); c++) {
                dw[at + c] += g * x.get(from + c);
            }
        }
    }

    /** The sum of two hundred thousand numbers near one: a plain running sum in single precision would be off in the fourth digit. */
    @ParameterizedTest
    @MethodSource("sets")
    void longSumsKeepTheirDigits(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), () -> Emission.refusal(set).orElseThrow());
        ConvShape s = new ConvShape(16, 112, 112, 16, 8, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1);
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c());
            Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k());
            for (int i = 0; i < x.n; i++) {
                x.set(i, 0.9f + (i % 7) / 35f);
            }
            for (int i = 0; i < dy.n; i++) {
                dy.set(i, 1.1f - (i % 5) / 25f);
            }
            Guarded dw = run(arena, s, set, three, x, dy);
            double[] want = naive(s, x, dy, dw.n);
            for (int i = 0; i < dw.n; i++) {
                double error = Math.abs(dw.get(i) - want[i]) / want[i];
                assertTrue(error < 2e-6, set + " element " + i + ": got " + dw.get(i) + " want " + want[i]);
            }
        }
    }

    static Stream<InstructionSet> sets() {
        return Stream.of(InstructionSet.values());
    }
}
