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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Products of gated images, gated as they are multiplied and beforehand, against a naive loop in double precision, under guard bands; one thread and three bit for bit the same.
 */
class GatedConvTest {
    record Case(InstructionSet set, ConvShape shape) {}

    static Stream<Case> cases() {
        List<Case> all = new ArrayList<>();
        for (InstructionSet set : InstructionSet.values()) {
            for (int[] s : new int[][] {{1, 7, 1100, 192}, {3, 7, 150, 40}, {2, 14, 45, 17}, {1, 40, 24, 112}, {1, 9, 530, 65}, {5, 3, 33, 130}, {1, 1, 21, 64}, {2, 23, 96, 24},
                    {1, 14, 600, 130}, {1, 3, 45_000, 50}}) {
                all.add(new Case(set, new ConvShape(s[0], s[1], s[1], s[2], s[3], 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1)));
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void multipliesGatedImages(Case test) {
        assumeTrue(Emission.refusal(test.set).isEmpty(), "no such instructions here");
        ConvShape s = test.shape;
        Epilogue e = new Epilogue(true, true, s.n() > 1, Nonlinearity.NONE);
        try (Arena arena = Arena.ofConfined(); Workers one = new Workers(1); Workers three = new Workers(3)) {
            int pixels = s.h() * s.w();
            Guarded x = new Guarded(arena, (long) s.n() * pixels * s.c()).random(1);
            Guarded gates = new Guarded(arena, (long) s.n() * s.c()).random(2);
            Guarded w = new Guarded(arena, (long) s.k() * s.c()).random(3);
            Guarded scale = new Guarded(arena, s.k()).random(4);
            Guarded shift = new Guarded(arena, s.k()).random(5);
            Guarded residual = new Guarded(arena, (long) s.n() * pixels * s.k()).random(6);
            double[] y = new double[residual.n];
            for (int i = 0; i < y.length; i++) {
                long row = i / s.k();
                int image = (int) (row / pixels);
                for (int c = 0; c < s.c(); c++) {
                    y[i] += (double) x.get((int) (row * s.c() + c)) * gates.get(image * s.c() + c) * w.get(i % s.k() * s.c() + c);
                }
            }
            EmittedConvolutionsTest.apply(e, y, scale, shift, residual);
            Guarded first = new Guarded(arena, y.length);
            for (Workers team : List.of(one, three)) {
                Guarded out = team == one ? first : new Guarded(arena, y.length);
                PackedConv conv = EmittedConvolutions.gated(s, e, team, test.set);
                Guarded packed = Guarded.bytes(arena, conv.packedBytes());
                Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
                conv.beside(new Beside.Gates(gates.address));
                conv.pack(w.address, packed.address);
                conv.run(x.address, packed.address, scale.address, shift.address, residual.address, out.address, workspace.address);
                workspace.check("workspace");
                out.expect(y, s.c(), "gated product");
                out.expectSame(first, "gated product");
            }
        }
    }
}
