package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.EmittedConvolutions;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What emitted convolutions make of numbers that are no numbers, of infinite and of subnormal ones; and plans of one team that several threads run at a time. */
class EmittedValuesTest {
    private static final int AT = 5;

    /** A convolution, and how far from an output its window may be for a NaN to reach it: the tile of Winograd's algorithm. */
    record Use(InstructionSet set, ConvShape shape, boolean tiled) {}

    private static ConvShape square(int c, int k, int r, int groups) {
        return new ConvShape(2, 12, 12, c, k, r, r, 1, 1, r / 2, r / 2, r / 2, r / 2, 1, 1, groups);
    }

    static Stream<Use> uses() {
        List<Use> all = new ArrayList<>();
        for (InstructionSet set : InstructionSet.values()) {
            all.add(new Use(set, square(20, 40, 1, 1), false));
            all.add(new Use(set, square(3, 40, 3, 1), false));
            all.add(new Use(set, square(20, 24, 5, 1), false));
            all.add(new Use(set, square(128, 128, 3, 1), true));
            all.add(new Use(set, square(24, 24, 3, 24), false));
            all.add(new Use(set, square(32, 32, 3, 8), false));
        }
        return all.stream().filter(u -> Emission.refusal(u.set).isEmpty());
    }

    private static Guarded run(Arena arena, PackedConv conv, Guarded x, Guarded w, long outputs) {
        Guarded y = new Guarded(arena, outputs);
        Guarded packed = Guarded.bytes(arena, conv.packedBytes());
        conv.pack(w.address, packed.address);
        conv.run(x.address, packed.address, 0, 0, 0, y.address, Guarded.bytes(arena, conv.workspaceBytes()).address);
        return y;
    }

    private static Guarded forward(Arena arena, Use use, Guarded x, Guarded w, Nonlinearity activation) {
        ConvShape s = use.shape;
        try (Workers one = new Workers(1)) {
            return run(arena, EmittedConvolutions.forward(s, new Epilogue(false, false, false, activation), one, use.set), x, w, (long) s.n() * s.oh() * s.ow() * s.k());
        }
    }

    /** Every output whose window has the NaN is one, also behind a ReLU; the others are not, unless they share a tile with one that is. */
    @ParameterizedTest
    @MethodSource("uses")
    void notANumberGoesWhereItShould(Use use) {
        ConvShape s = use.shape;
        for (Nonlinearity activation : Nonlinearity.values()) {
            try (Arena arena = Arena.ofConfined()) {
                Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
                Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC()).random(2);
                x.set((AT * s.w() + AT) * s.c(), Float.NaN);
                Guarded y = forward(arena, use, x, w, activation);
                for (int i = 0; i < y.n; i++) {
                    int far = Math.max(Math.abs(i / s.k() / s.ow() % s.oh() - AT), Math.abs(i / s.k() % s.ow() - AT));
                    boolean image = i / s.k() < s.oh() * s.ow() && i % s.k() < s.groupK();
                    boolean must = image && far <= s.r() / 2;
                    boolean may = must || use.tiled && image && far <= s.r() / 2 + 3;
                    String where = use + " " + activation + " output " + i + " is " + y.get(i);
                    assertTrue(Float.isNaN(y.get(i)) ? may : !must, where);
                }
            }
        }
    }

    /** Sums of subnormal numbers are not flushed to 0, and an infinite operand gives an infinite sum where the algorithm is a plain sum. */
    @ParameterizedTest
    @MethodSource("uses")
    void extremesAreKept(Use use) {
        ConvShape s = use.shape;
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c());
            Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC());
            for (int i = 0; i < x.n; i++) {
                x.set(i, 0x1p-140f);
            }
            for (int i = 0; i < w.n; i++) {
                w.set(i, 1);
            }
            int middle = (AT * s.ow() + AT) * s.k();
            float sum = s.r() * s.s() * s.groupC() * 0x1p-140f;
            // Factors of the transforms are sixths: their rounding shows among subnormal numbers.
            assertEquals(sum, forward(arena, use, x, w, Nonlinearity.NONE).get(middle), use.tiled ? 0x1p-140f * 64 : 0, use.toString());
            x.set((AT * s.w() + AT) * s.c(), Float.NEGATIVE_INFINITY);
            float infinite = forward(arena, use, x, w, Nonlinearity.NONE).get(middle);
            assertTrue(infinite == Float.NEGATIVE_INFINITY || use.tiled && Float.isNaN(infinite), use + " gives " + infinite);
        }
    }

    /** Plans of one backend's team, each of a thread of its own, and a second team beside it. */
    @ParameterizedTest
    @EnumSource
    void plansOfSeveralThreads(InstructionSet set) throws Exception {
        Assumptions.assumeTrue(Emission.refusal(set).isEmpty(), "no such instructions here");
        List<Use> all = uses().filter(u -> u.set == set).toList();
        try (Workers shared = new Workers(3); Workers other = new Workers(2); ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                Workers team = t < 3 ? shared : other;
                int first = t;
                running.add(pool.submit(() -> {
                    for (int i = 0; i < 2 * all.size(); i++) {
                        sameAsAlone(all.get((i + first) % all.size()), team);
                    }
                }));
            }
            for (Future<?> f : running) {
                f.get();
            }
        }
    }

    private static void sameAsAlone(Use use, Workers team) {
        ConvShape s = use.shape;
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(3);
            Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC()).random(4);
            Guarded alone = forward(arena, use, x, w, Nonlinearity.SILU);
            PackedConv conv = EmittedConvolutions.forward(s, new Epilogue(false, false, false, Nonlinearity.SILU), team, use.set);
            run(arena, conv, x, w, alone.n).expectSame(alone, use.toString());
        }
    }
}
