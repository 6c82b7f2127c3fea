package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.EmittedConvolutions;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Emitted convolutions of odd sizes against a naive loop in double precision, under guard bands, with every epilogue; one thread and three bit for bit the same. */
class EmittedConvolutionsTest {
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
        List<ConvShape> s = new ArrayList<>(ConvTest.shapes().toList());
        for (int k : new int[] {1, 8, 15, 16, 17, 24, 31, 40, 48, 63, 64, 65, 80, 93, 96, 112, 130}) {
            s.add(square(2, 7, 5, k, 1, 1, 0));
            s.add(square(1, 5, 6, k, 3, 1, 1));
        }
        for (int rows = 1; rows < 30; rows++) {
            s.add(new ConvShape(rows, 1, 1, 21, 64, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
            s.add(new ConvShape(rows, 1, 1, 4, 20, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
            s.add(new ConvShape(rows, 1, 1, 3, 43, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1));
            s.add(new ConvShape(rows, 1, 1, 24, 40, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1)); // rows in pairs, forward and backward
        }
        s.add(square(2, 190, 40, 24, 1, 1, 0)); // the same, asked for ahead
        s.add(square(1, 190, 60, 17, 3, 2, 1)); // listed rows, asked for ahead
        s.add(square(1, 9, 700, 65, 3, 1, 1)); // taps in several parts
        s.add(square(5, 3, 3000, 70, 1, 1, 0)); // depth in several parts
        s.add(square(4, 3, 2500, 33, 3, 2, 1)); // a tap in several parts
        s.add(square(4, 6, 33, 1030, 1, 2, 0)); // backward: depth in several parts, and positions without taps
        s.add(square(6, 20, 40, 129, 1, 1, 0));
        s.add(square(1, 40, 3, 64, 7, 2, 3)); // stems
        s.add(square(3, 31, 3, 32, 3, 2, 1));
        s.add(square(1, 316, 4, 64, 1, 1, 0)); // outputs that go past the caches, whole tiles and not
        s.add(square(1, 321, 3, 64, 3, 1, 1));
        s.add(square(1, 320, 8, 16, 1, 2, 0));
        s.add(square(1, 185, 64, 17, 1, 1, 0)); // an input that is asked for ahead
        s.add(new ConvShape(2, 33, 27, 4, 24, 3, 5, 1, 2, 1, 0, 3, 2, 1, 1, 1));
        return s;
    }

    static Stream<Case> cases() {
        List<Case> all = new ArrayList<>();
        for (InstructionSet set : InstructionSet.values()) {
            int i = 0;
            for (ConvShape s : shapes()) {
                all.add(new Case(set, s, i));
                i++;
            }
        }
        return all.stream();
    }

    /** @param number decides on the epilogue */
    record Case(InstructionSet set, ConvShape shape, int number) {
        Epilogue epilogue() {
            return new Epilogue((number & 1) != 0, (number & 2) != 0, number % 3 == 1, Nonlinearity.values()[number % 5 % 3]);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void forwardAndBackwardOfData(Case test) {
        assumeTrue(Emission.refusal(test.set).isEmpty(), "no such instructions here");
        ConvShape s = test.shape;
        Epilogue e = test.epilogue();
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
            Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC()).random(2);
            Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(3);
            Guarded scale = new Guarded(arena, s.k()).random(4);
            Guarded shift = new Guarded(arena, s.k()).random(5);
            Guarded residual = new Guarded(arena, dy.n).random(6);
            double[] y = new double[dy.n];
            double[] dx = new double[x.n];
            ConvTest.naive(s, x, w, dy, y, dx, new double[w.n]);
            apply(e, y, scale, shift, residual);
            int taps = s.r() * s.s();
            compare(arena, EmittedConvolutions.forward(s, e, one, test.set), EmittedConvolutions.forward(s, e, three, test.set), x, w, scale, shift, residual, e, y,
                    taps * s.groupC(), "forward");
            compare(arena, EmittedConvolutions.backwardData(s, one, test.set), EmittedConvolutions.backwardData(s, three, test.set), dy, w, scale, shift, residual,
                    Epilogue.NONE, dx, taps * s.groupK(), "backward of data");
        }
    }

    /** Panels of every width, depths of fewer steps than a tile has rows and of more, by every kind of code behind the sums. */
    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void depthsAndEpilogues(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        List<Epilogue> epilogues = List.of(new Epilogue(true, true, true, Nonlinearity.RELU), new Epilogue(true, true, true, Nonlinearity.SILU),
                new Epilogue(true, true, false, Nonlinearity.SILU),
                new Epilogue(false, true, false, Nonlinearity.SILU), new Epilogue(true, false, false, Nonlinearity.SILU), new Epilogue(false, false, true, Nonlinearity.NONE));
        for (int k : new int[] {9, 16, 24, 48, 64, 80, 96}) {
            for (int c : new int[] {1, 3, 4, 23, 24, 25, 47, 100, 600}) {
                forward(set, square(3, 5, c, k, 1, 1, 0), epilogues);
            }
        }
    }

    /** Products of few steps of depth: tiles of every width, whole and not; stems; outputs that go past the caches, inputs that are asked for ahead. */
    @ParameterizedTest
    @EnumSource(InstructionSet.class)
    void fewSteps(InstructionSet set) {
        assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        List<Epilogue> epilogues = List.of(new Epilogue(true, true, false, Nonlinearity.SILU), new Epilogue(true, true, false, Nonlinearity.RELU),
                new Epilogue(true, true, false, Nonlinearity.NONE), Epilogue.NONE);
        for (int k : new int[] {5, 16, 21, 32, 33, 48, 60, 96, 100, 144}) {
            forward(set, square(1, 49, 3, k, 3, 2, 1), epilogues);
            forward(set, new ConvShape(2, 9, 51, 2, k, 2, 5, 1, 2, 1, 0, 3, 2, 2, 1, 1), epilogues);
            for (int c : new int[] {2, 7, 16, 31, 48}) {
                forward(set, square(2, 7, c, k, 1, 1, 0), epilogues);
            }
        }
        forward(set, square(1, 324, 4, 64, 1, 1, 0), epilogues.subList(0, 2));
        forward(set, square(1, 643, 3, 64, 3, 2, 1), epilogues.subList(0, 1));
        forward(set, square(1, 240, 40, 17, 1, 1, 0), epilogues.subList(0, 1));
    }

    private static void forward(InstructionSet set, ConvShape s, List<Epilogue> epilogues) {
        for (Epilogue e : epilogues) {
            try (Arena arena = Arena.ofConfined()) {
                Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
                Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.c()).random(2);
                Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(3);
                Guarded scale = new Guarded(arena, s.k()).random(4);
                Guarded shift = new Guarded(arena, s.k()).random(5);
                Guarded residual = new Guarded(arena, dy.n).random(6);
                double[] y = new double[dy.n];
                ConvTest.naive(s, x, w, dy, y, new double[x.n], new double[w.n]);
                apply(e, y, scale, shift, residual);
                compare(arena, EmittedConvolutions.forward(s, e, one, set), EmittedConvolutions.forward(s, e, three, set), x, w, scale, shift, residual, e, y,
                        s.r() * s.s() * s.c(), s + " " + e);
            }
        }
    }

    static void apply(Epilogue e, double[] y, Guarded scale, Guarded shift, Guarded residual) {
        for (int i = 0; i < y.length; i++) {
            double v = y[i];
            v = e.scale() ? v * scale.get(i % scale.n) : v;
            v = e.shift() ? v + shift.get(i % shift.n) : v;
            v = e.residual() ? v + residual.get(i) : v;
            y[i] = switch (e.activation()) {
                case NONE -> v;
                case RELU -> Math.max(v, 0);
                case SILU -> v / (1 + Math.exp(-v));
            };
        }
    }

    private static void compare(Arena arena, PackedConv alone, PackedConv threaded, Guarded in, Guarded w, Guarded scale, Guarded shift, Guarded residual, Epilogue e,
            double[] expected, int terms, String name) {
        Guarded out = new Guarded(arena, expected.length);
        Guarded again = new Guarded(arena, expected.length);
        run(arena, alone, in, w, scale, shift, residual.address, out, name);
        out.expect(expected, terms, name);
        if (e.residual()) {
            for (int i = 0; i < residual.n; i++) {
                again.set(i, residual.get(i));
            }
        }
        // The residual may be the output.
        run(arena, threaded, in, w, scale, shift, again.address, again, name);
        again.check(name);
        again.expectSame(out, name);
    }

    private static void run(Arena arena, PackedConv conv, Guarded in, Guarded w, Guarded scale, Guarded shift, long residual, Guarded out, String name) {
        Guarded packed = Guarded.bytes(arena, conv.packedBytes());
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        conv.pack(w.address, packed.address);
        packed.check(name + " packed weights");
        conv.run(in.address, packed.address, scale.address, shift.address, residual, out.address, workspace.address);
        workspace.check(name + " workspace");
    }
}
