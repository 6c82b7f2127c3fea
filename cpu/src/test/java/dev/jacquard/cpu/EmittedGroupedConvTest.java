package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.x64.EmittedConvolutions;
import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Emitted depthwise and grouped convolutions, three directions, at odd sizes, against a double loop in double precision; between guard bands, with one thread and two. */
class EmittedGroupedConvTest {
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

    private static ConvShape square(int n, int hw, int c, int r, int stride, int pad, int groups) {
        return new ConvShape(n, hw, hw, c, c, r, r, stride, stride, pad, pad, pad, pad, 1, 1, groups);
    }

    static Stream<ConvShape> depthwise() {
        List<ConvShape> s = new ArrayList<>();
        for (int c : new int[] {2, 7, 8, 16, 17, 31, 32, 40, 96}) {
            s.add(square(2, 7, c, 3, 1, 1, c));
            s.add(square(1, 9, c, 3, 2, 1, c));
            s.add(square(3, 14, c, 5, 1, 2, c));
            s.add(square(1, 15, c, 5, 2, 2, c));
        }
        for (int hw = 1; hw < 40; hw += 3) {
            s.add(square(1, hw, 18, 3, 1, 1, 18));
            s.add(square(1, hw, 16, 5, 2, 2, 16));
        }
        s.add(square(2, 56, 16, 3, 1, 1, 16));
        s.add(square(2, 112, 16, 3, 2, 1, 16));
        s.add(square(40, 1, 33, 3, 1, 1, 33));
        s.add(square(2, 8, 4, 3, 3, 0, 4)); // stride as large as the kernel
        s.add(square(2, 8, 20, 2, 3, 0, 20)); // stride beyond the kernel: inputs never read
        s.add(square(1, 112, 352, 3, 1, 1, 352)); // a result past the caches
        s.add(square(1, 112, 225, 5, 2, 2, 225)); // operands that are prefetched
        s.add(square(2, 19, 20, 7, 1, 3, 20));
        s.add(square(1, 12, 20, 1, 1, 0, 20));
        s.add(square(1, 30, 5, 11, 4, 5, 5));
        s.add(new ConvShape(2, 11, 6, 70, 70, 3, 5, 2, 1, 0, 1, 3, 1, 1, 2, 70));
        s.add(new ConvShape(1, 5, 33, 12, 12, 3, 3, 1, 2, 2, 2, 1, 3, 2, 3, 12));
        s.add(new ConvShape(13, 3, 5, 8, 8, 3, 3, 1, 1, 4, 4, 4, 4, 1, 1, 8)); // outputs that read padding only
        s.add(new ConvShape(1, 1, 300, 5, 5, 1, 9, 1, 1, 0, 0, 4, 4, 1, 1, 5));
        s.add(new ConvShape(1, 40, 1, 5, 5, 9, 1, 3, 1, 4, 4, 0, 0, 1, 1, 5));
        return s.stream();
    }

    static Stream<ConvShape> grouped() {
        List<ConvShape> s = new ArrayList<>();
        for (int group : new int[] {2, 4, 8, 16, 32, 64}) {
            for (int groups : new int[] {2, 3, 8}) {
                int c = group * groups;
                s.add(square(2, 7, c, 3, 1, 1, groups));
                s.add(square(1, 14, c, 3, 2, 1, groups));
                s.add(square(1, 17, c, 3, 1, 1, groups));
                s.add(new ConvShape(2, 9, 12, c, c, 3, 2, 2, 1, 0, 1, 2, 0, 1, 2, groups));
            }
        }
        for (int width = 4; width < 12; width++) { // as many sums as there are registers
            s.add(new ConvShape(2, 4, 5, 12, 12, 2, width, 1, 1, 1, 1, width - 1, 2, 1, 1, 6));
            s.add(new ConvShape(1, 5, 13, 16, 16, 2, width, 2, 2, 1, 1, width - 1, 2, 1, 1, 4));
        }
        s.add(square(1, 57, 384, 3, 1, 1, 96)); // operands that are prefetched
        s.add(square(1, 57, 384, 3, 2, 1, 48));
        s.add(square(1, 28, 256, 3, 1, 1, 32));
        s.add(square(2, 15, 136, 3, 2, 1, 17)); // rows that are cut, with a tail, copied from what was fetched
        s.add(square(3, 30, 512, 3, 2, 1, 32));
        s.add(square(2, 7, 1024, 3, 1, 1, 32));
        return s.stream();
    }

    static Stream<ConvShape> shapes() {
        return Stream.concat(depthwise(), grouped());
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void threeDirections(ConvShape s) {
        for (InstructionSet set : sets()) {
            try (Arena arena = Arena.ofConfined()) {
                Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
                Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC()).random(2);
                Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(3);
                double[] y = new double[dy.n];
                double[] dx = new double[x.n];
                double[] dw = new double[w.n];
                ConvTest.naive(s, x, w, dy, y, dx, dw);
                int terms = s.r() * s.s() * s.groupC();
                String name = set + " " + s;
                packed(arena, EmittedConvolutions.forward(s, Epilogue.NONE, one, set), EmittedConvolutions.forward(s, Epilogue.NONE, two, set), x, w, y, terms, "forward " + name);
                packed(arena, EmittedConvolutions.backwardData(s, one, set), EmittedConvolutions.backwardData(s, two, set), dy, w, dx, terms, "data " + name);
                weight(arena, EmittedConvolutions.backwardWeight(s, one, set), EmittedConvolutions.backwardWeight(s, two, set), x, dy, dw, s.n() * s.oh() * s.ow(),
                        "weight " + name);
            }
        }
    }

    private static List<InstructionSet> sets() {
        List<InstructionSet> sets = Stream.of(InstructionSet.values()).filter(s -> Emission.refusal(s).isEmpty()).toList();
        assumeTrue(!sets.isEmpty(), "no emitted code on this machine");
        return sets;
    }

    private static void packed(Arena arena, PackedConv conv, PackedConv threaded, Guarded in, Guarded w, double[] expected, int terms, String name) {
        Guarded out = new Guarded(arena, expected.length);
        Guarded again = new Guarded(arena, expected.length);
        run(arena, conv, in, w, out, name);
        run(arena, threaded, in, w, again, name);
        out.expect(expected, terms, name);
        again.expectSame(out, name);
        again.check(name);
    }

    private static void run(Arena arena, PackedConv conv, Guarded in, Guarded w, Guarded out, String name) {
        Guarded packed = Guarded.bytes(arena, conv.packedBytes());
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        conv.pack(w.address, packed.address);
        conv.run(in.address, packed.address, 0, 0, 0, out.address, workspace.address);
        packed.check(name + " packed");
        workspace.check(name + " workspace");
    }

    private static void weight(Arena arena, Optional<Conv> conv, Optional<Conv> threaded, Guarded x, Guarded dy, double[] expected, int terms, String name) {
        assertTrue(conv.isPresent(), name + ": no kernel");
        Guarded out = new Guarded(arena, expected.length);
        Guarded again = new Guarded(arena, expected.length);
        for (int i = 0; i < 2; i++) {
            Conv c = i == 0 ? conv.get() : threaded.orElseThrow();
            Guarded workspace = Guarded.bytes(arena, c.workspaceBytes());
            c.run(x.address, dy.address, i == 0 ? out.address : again.address, workspace.address);
            workspace.check(name + " workspace");
        }
        out.expect(expected, terms, name);
        again.expectSame(out, name);
        again.check(name);
    }

    @ParameterizedTest
    @EnumSource(Nonlinearity.class)
    void epilogues(Nonlinearity activation) {
        for (int flags = 0; flags < 8; flags++) {
            Epilogue e = new Epilogue((flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, activation);
            for (ConvShape s : List.of(square(2, 9, 37, 3, 1, 1, 37), square(1, 17, 48, 5, 2, 2, 48), square(1, 13, 12, 3, 1, 1, 3), square(2, 7, 64, 3, 1, 1, 2),
                    square(1, 6, 48, 3, 2, 1, 6))) {
                for (InstructionSet set : sets()) {
                    epilogue(s, e, set);
                }
            }
        }
    }

    private static void epilogue(ConvShape s, Epilogue e, InstructionSet set) {
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
            Guarded w = new Guarded(arena, (long) s.k() * s.r() * s.s() * s.groupC()).random(2);
            Guarded y = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(3);
            Guarded scale = new Guarded(arena, s.k()).random(4);
            Guarded shift = new Guarded(arena, s.k()).random(5);
            Guarded residual = new Guarded(arena, y.n).random(6);
            double[] want = new double[y.n];
            ConvTest.naive(s, x, w, y, want, new double[x.n], new double[w.n]);
            for (int i = 0; i < want.length; i++) {
                int k = i % s.k();
                double v = want[i] * (e.scale() ? scale.get(k) : 1) + (e.shift() ? shift.get(k) : 0) + (e.residual() ? residual.get(i) : 0);
                want[i] = switch (e.activation()) {
                    case NONE -> v;
                    case RELU -> Math.max(v, 0);
                    case SILU -> v / (1 + Math.exp(-v));
                };
            }
            PackedConv conv = EmittedConvolutions.forward(s, e, two, set);
            Guarded packed = Guarded.bytes(arena, conv.packedBytes());
            conv.pack(w.address, packed.address);
            conv.run(x.address, packed.address, scale.address, shift.address, residual.address, y.address, 0);
            y.expect(want, s.r() * s.s() * s.groupC(), set + " " + e + " " + s);
        }
    }
}
