package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.Guarded;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Winograd convolutions of all kinds against the definition in double, between guard bands, on one and two threads. */
class WinogradTest {
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

    record Case(InstructionSet set, WinogradAxis rows, WinogradAxis cols, int blockRows, boolean staged, ConvShape shape, Epilogue epilogue) {}

    private static ConvShape shape(int n, int h, int w, int c, int k, int top, int bottom, int left, int right) {
        return new ConvShape(n, h, w, c, k, 3, 3, 1, 1, top, bottom, left, right, 1, 1, 1);
    }

    private static ConvShape square(int n, int h, int w, int c, int k, int pad) {
        return shape(n, h, w, c, k, pad, pad, pad, pad);
    }

    private static List<ConvShape> shapes() {
        // The first ones have the lengths of sums that networks have.
        return List.of(
                square(1, 8, 6, 128, 64, 1), square(1, 7, 7, 300, 40, 1), square(1, 7, 7, 512, 64, 1), square(1, 5, 7, 3, 5, 1),
                square(2, 9, 8, 17, 19, 1), square(1, 8, 8, 64, 64, 1), square(3, 7, 7, 40, 130, 1), square(1, 1, 1, 4, 4, 1),
                square(2, 3, 4, 33, 65, 0), square(1, 6, 5, 16, 70, 2), shape(2, 10, 3, 7, 33, 0, 1, 2, 1), shape(1, 4, 13, 100, 9, 2, 0, 0, 2),
                square(1, 2, 2, 8, 16, 2), square(2, 6, 7, 20, 290, 1));
    }

    static Stream<Case> cases() {
        Epilogue all = new Epilogue(true, true, true, Nonlinearity.RELU);
        Epilogue smooth = new Epilogue(false, true, true, Nonlinearity.SILU);
        List<Case> cases = new ArrayList<>();
        for (InstructionSet set : InstructionSet.values()) {
            for (ConvShape s : shapes()) {
                cases.add(new Case(set, WinogradAxis.FOUR, WinogradAxis.TWO, 2, false, s, Epilogue.NONE));
                cases.add(new Case(set, WinogradAxis.TWO, WinogradAxis.FOUR, 1, true, s, all));
                cases.add(new Case(set, WinogradAxis.TWO, WinogradAxis.TWO, 3, true, s, smooth));
                cases.add(new Case(set, WinogradAxis.FOUR, WinogradAxis.TWO, 3, true, s, smooth));
                cases.add(new Case(set, WinogradAxis.FOUR, WinogradAxis.FOUR, 1, false, s, new Epilogue(true, false, false, Nonlinearity.RELU)));
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void forward(Case c) {
        assumeTrue(CpuFeatures.get().has(c.set), () -> "this processor has no " + c.set);
        ConvShape s = c.shape;
        assertTrue(WinogradPlan.takesForward(s));
        WinogradPlan plan = WinogradPlan.forward(s, c.rows, c.cols, c.blockRows, c.staged);
        check(c, plan, (long) s.n() * s.h() * s.w() * s.c(), (long) s.n() * s.oh() * s.ow() * s.k(), c.epilogue, 9 * s.c());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void backwardData(Case c) {
        assumeTrue(CpuFeatures.get().has(c.set), () -> "this processor has no " + c.set);
        ConvShape s = c.shape;
        assertTrue(WinogradPlan.takesBackwardData(s));
        WinogradPlan plan = WinogradPlan.backwardData(s, c.rows, c.cols, c.blockRows, c.staged);
        check(c, plan, (long) s.n() * s.oh() * s.ow() * s.k(), (long) s.n() * s.h() * s.w() * s.c(), Epilogue.NONE, 9 * s.k());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void backwardWeight(Case c) {
        assumeTrue(CpuFeatures.get().has(c.set), () -> "this processor has no " + c.set);
        ConvShape s = c.shape;
        WinogradPlan plan = WinogradPlan.forward(s, c.rows, c.cols, c.blockRows, true);
        try (Arena arena = Arena.ofConfined()) {
            Guarded x = new Guarded(arena, (long) s.n() * s.h() * s.w() * s.c()).random(1);
            Guarded dy = new Guarded(arena, (long) s.n() * s.oh() * s.ow() * s.k()).random(2);
            double[] want = WinogradReference.weightGradient(s, x::get, dy::get);
            Guarded dw = gradient(arena, c, plan, one, x, dy, want.length);
            double factor = c.rows == WinogradAxis.FOUR && c.cols == WinogradAxis.FOUR ? 2 : 1;
            Tolerance tolerance = Tolerance.of(DType.F32, Accuracy.matmul((long) s.n() * s.oh() * s.ow()));
            for (int i = 0; i < want.length; i++) {
                if (!(Math.abs(dw.get(i) - want[i]) <= factor * tolerance.at(want[i], 1))) {
                    fail("element " + i + " got " + dw.get(i) + " want " + want[i]);
                }
            }
            gradient(arena, c, plan, two, x, dy, want.length).expectSame(dw, "two threads");
        }
    }

    private static Guarded gradient(Arena arena, Case c, WinogradPlan plan, Workers workers, Guarded x, Guarded dy, int size) {
        Conv conv = new WinogradWeightGradient(plan, workers, c.set);
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        Guarded dw = new Guarded(arena, size);
        conv.run(x.address, dy.address, dw.address, workspace.address);
        workspace.check("workspace");
        dw.check("gradient");
        return dw;
    }

    private static void check(Case c, WinogradPlan plan, long in, long out, Epilogue epilogue, int terms) {
        try (Arena arena = Arena.ofConfined()) {
            Operands o = new Operands(new Guarded(arena, in).random(1), new Guarded(arena, 9L * c.shape.k() * c.shape.c()).random(2), new Guarded(arena, plan.k()).random(3),
                    new Guarded(arena, plan.k()).random(4), new Guarded(arena, out).random(5));
            double[] want = new double[Math.toIntExact(out)];
            double[] sums = WinogradReference.convolve(c.shape, plan.rotated(), o.in::get, o.weight::get, want.length);
            for (int i = 0; i < want.length; i++) {
                int k = i % plan.k();
                want[i] = finish(epilogue, sums[i], o.scale.get(k), o.shift.get(k), o.residual.get(i));
            }
            Guarded first = run(arena, c, plan, one, epilogue, o, out);
            // A table row says what a sum may be off by; F(4x4) may be off by twice that, which is why nothing chooses it.
            double factor = c.rows == WinogradAxis.FOUR && c.cols == WinogradAxis.FOUR ? 2 : 1;
            Tolerance tolerance = Tolerance.of(DType.F32, Accuracy.matmul(terms));
            for (int i = 0; i < want.length; i++) {
                double allowed = factor * tolerance.at(Math.max(Math.abs(want[i]), Math.abs(sums[i])), 1);
                if (!(Math.abs(first.get(i) - want[i]) <= allowed)) {
                    fail("element " + i + " got " + first.get(i) + " want " + want[i]);
                }
            }
            run(arena, c, plan, two, epilogue, o, out).expectSame(first, "two threads");
        }
    }

    private record Operands(Guarded in, Guarded weight, Guarded scale, Guarded shift, Guarded residual) {}

    private static double finish(Epilogue e, double sum, double scale, double shift, double residual) {
        double v = (e.scale() ? sum * scale : sum) + (e.shift() ? shift : 0) + (e.residual() ? residual : 0);
        return switch (e.activation()) {
            case NONE -> v;
            case RELU -> Math.max(v, 0);
            case SILU -> v / (1 + Math.exp(-v));
        };
    }

    private static Guarded run(Arena arena, Case c, WinogradPlan plan, Workers workers, Epilogue epilogue, Operands o, long out) {
        PackedConv conv = new WinogradConv(plan, epilogue, workers, c.set);
        Guarded packed = Guarded.bytes(arena, conv.packedBytes());
        Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
        Guarded y = new Guarded(arena, out);
        conv.pack(o.weight.address, packed.address);
        packed.check("packed");
        conv.run(o.in.address, packed.address, o.scale.address, o.shift.address, o.residual.address, y.address, workspace.address);
        workspace.check("workspace");
        packed.check("packed");
        y.check("output");
        return y;
    }
}
