package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.GatherPlan;
import dev.jacquard.cpu.Guarded;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Accuracy;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Prints how far ResNet-50's 3x3 convolutions are from the definition in double, operands uniform in -1 to 1: direct and by Winograd's algorithms, as the largest share of the
 * tolerance table's allowance.
 */
final class WinogradAccuracy {
    private static final WinogradAxis[][] KINDS = {{WinogradAxis.TWO, WinogradAxis.TWO}, {WinogradAxis.FOUR, WinogradAxis.TWO}, {WinogradAxis.FOUR, WinogradAxis.FOUR}};

    private WinogradAccuracy() {}

    public static void main(String[] args) {
        InstructionSet set = InstructionSet.valueOf(args[0]);
        try (Workers workers = new Workers(2)) {
            for (int hw : new int[] {56, 28, 14, 7}) {
                int c = 64 * 56 / hw;
                ConvShape s = new ConvShape(1, hw, hw, c, c, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1);
                for (boolean backward : new boolean[] {false, true}) {
                    shape(s, backward, workers, set);
                }
                weight(s, workers, set);
            }
        }
    }

    private static void shape(ConvShape s, boolean backward, Workers workers, InstructionSet set) {
        Map<String, PackedConv> convs = new LinkedHashMap<>();
        convs.put("direct", new DenseConv(backward ? GatherPlan.backwardData(s) : GatherPlan.forward(s), Epilogue.NONE, workers, set));
        for (WinogradAxis[] t : KINDS) {
            WinogradPlan p = backward ? WinogradPlan.backwardData(s, t[0], t[1], 2, false) : WinogradPlan.forward(s, t[0], t[1], 2, false);
            convs.put("F(" + t[0].outputs() + "x" + t[1].outputs() + ")", new WinogradConv(p, Epilogue.NONE, workers, set));
        }
        Tolerance tolerance = Tolerance.of(DType.F32, Accuracy.matmul(9L * s.c()));
        try (Arena arena = Arena.ofConfined()) {
            long size = (long) s.n() * s.h() * s.w() * s.c();
            Guarded in = new Guarded(arena, size).random(1);
            Guarded weight = new Guarded(arena, 9L * s.k() * s.c()).random(2);
            double[] want = WinogradReference.convolve(s, backward, in::get, weight::get, Math.toIntExact(size));
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%2d x %2d x %3d %-8s", s.h(), s.w(), s.c(), backward ? "data" : "forward"));
            convs.forEach((name, conv) -> {
                Guarded packed = Guarded.bytes(arena, conv.packedBytes());
                Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
                Guarded out = new Guarded(arena, size);
                conv.pack(weight.address, packed.address);
                conv.run(in.address, packed.address, 0, 0, 0, out.address, workspace.address);
                line.append(errors(name, want, out, tolerance));
            });
            System.out.println(line);
        }
    }

    private static void weight(ConvShape s, Workers workers, InstructionSet set) {
        Map<String, Conv> convs = new LinkedHashMap<>();
        convs.put("direct", WeightGradient.of(s, workers, set));
        for (WinogradAxis[] t : KINDS) {
            WinogradPlan p = WinogradPlan.forward(s, t[0], t[1], t[0].tiles(s.oh()), true);
            convs.put("F(" + t[0].outputs() + "x" + t[1].outputs() + ")", new WinogradWeightGradient(p, workers, set));
        }
        Tolerance tolerance = Tolerance.of(DType.F32, Accuracy.matmul((long) s.n() * s.oh() * s.ow()));
        try (Arena arena = Arena.ofConfined()) {
            long size = (long) s.n() * s.h() * s.w() * s.c();
            Guarded x = new Guarded(arena, size).random(1);
            Guarded dy = new Guarded(arena, size).random(2);
            double[] want = WinogradReference.weightGradient(s, x::get, dy::get);
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%2d x %2d x %3d %-8s", s.h(), s.w(), s.c(), "weight"));
            convs.forEach((name, conv) -> {
                Guarded workspace = Guarded.bytes(arena, conv.workspaceBytes());
                Guarded dw = new Guarded(arena, want.length);
                conv.run(x.address, dy.address, dw.address, workspace.address);
                line.append(errors(name, want, dw, tolerance));
            });
            System.out.println(line);
        }
    }

    private static String errors(String name, double[] want, Guarded got, Tolerance tolerance) {
        double worst = 0;
        double squares = 0;
        for (int i = 0; i < want.length; i++) {
            double error = Math.abs(got.get(i) - want[i]);
            worst = Math.max(worst, error / tolerance.at(want[i], 1));
            squares += error * error;
        }
        return String.format(Locale.ROOT, "  %s max %.2f rms %.2e", name, worst, Math.sqrt(squares / want.length));
    }
}
