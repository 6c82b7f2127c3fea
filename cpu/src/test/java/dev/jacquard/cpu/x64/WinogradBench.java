package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.GatherPlan;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Times Winograd plans of ResNet-50's 3x3 convolutions. Arguments: batch sizes, image heights, tile rows of blocks (comma-separated each), "forward" or "data", instruction
 * set, how many kinds of tiles besides the chosen one: 4x2, 2x2, 4x4. Weights are rotated through
 * copies, so that they come from memory as they do in a network.
 */
final class WinogradBench {
    private static final int COPIES_BYTES = 100 << 20;

    private WinogradBench() {}

    private static int[] ints(String list) {
        return List.of(list.split(",")).stream().mapToInt(Integer::parseInt).toArray();
    }

    public static void main(String[] args) {
        InstructionSet set = InstructionSet.valueOf(args[4]);
        boolean data = args[3].equals("data");
        double peak = 2 * FmaPeak.gigaflops(set);
        System.out.printf(Locale.ROOT, "peak of two cores %.0f GFLOP/s, %s, %s%n", peak, args[3], args[4]);
        try (Workers workers = new Workers(2)) {
            for (int hw : ints(args[1])) {
                int c = 64 * 56 / hw;
                for (int n : ints(args[0])) {
                    ConvShape s = new ConvShape(n, hw, hw, c, c, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1);
                    shape(s, data, ints(args[2]), Integer.parseInt(args[5]), set, workers, peak);
                }
            }
        }
    }

    private record Entry(String name, PackedConv conv, double[] millis) {}

    private static void shape(ConvShape s, boolean data, int[] blockRows, int kinds, InstructionSet set, Workers workers, double peak) {
        List<Entry> entries = new ArrayList<>();
        Epilogue e = data ? Epilogue.NONE : new Epilogue(true, true, false, Nonlinearity.RELU);
        WinogradAxis[][] tiles = {{WinogradAxis.FOUR, WinogradAxis.TWO}, {WinogradAxis.TWO, WinogradAxis.TWO}, {WinogradAxis.FOUR, WinogradAxis.FOUR}};
        for (WinogradAxis[] t : Arrays.asList(tiles).subList(0, kinds)) {
            for (int rows : blockRows) {
                for (boolean staged : new boolean[] {false, true}) {
                    WinogradPlan p = data ? WinogradPlan.backwardData(s, t[0], t[1], rows, staged) : WinogradPlan.forward(s, t[0], t[1], rows, staged);
                    if (rows <= p.tileRows()) {
                        entries.add(new Entry(t[0] + "x" + t[1] + " " + rows + (staged ? " staged" : ""), new WinogradConv(p, e, workers, set), new double[9]));
                    }
                }
            }
        }
        Optional<WinogradPlan> chosen = data ? WinogradChoice.backwardData(s, set) : WinogradChoice.forward(s, set);
        chosen.ifPresent(p -> {
            String name = "chosen " + p.rows().outputs() + "x" + p.cols().outputs() + " " + p.blockRows() + (p.staged() ? " staged" : "");
            entries.add(new Entry(name, new WinogradConv(p, e, workers, set), new double[9]));
        });
        direct(s, data, e, workers, set).ifPresent(c -> entries.add(new Entry("direct", c, new double[9])));
        time(s, entries);
        double useful = 2e-6 * s.usefulMultiplyAdds();
        for (Entry x : entries) {
            Arrays.sort(x.millis);
            double ms = x.millis[x.millis.length / 2];
            System.out.printf(Locale.ROOT, "%3d x %2d x %2d x %3d  %-18s %8.3f ms  %6.0f GFLOP/s  %5.2f of peak%n", s.n(), s.h(), s.w(), s.c(), x.name, ms, useful / ms,
                    useful / ms / peak);
        }
    }

    private static Optional<PackedConv> direct(ConvShape s, boolean data, Epilogue e, Workers workers, InstructionSet set) {
        return Optional.of(new DenseConv(data ? GatherPlan.backwardData(s) : GatherPlan.forward(s), e, workers, set));
    }

    private static void time(ConvShape s, List<Entry> entries) {
        try (Arena arena = Arena.ofConfined()) {
            long size = (long) s.n() * s.h() * s.w() * s.c() * 4;
            long in = fill(arena, size);
            long out = fill(arena, size);
            long vector = fill(arena, 4L * s.k());
            long weight = fill(arena, 36L * s.k() * s.c());
            long packedBytes = entries.stream().mapToLong(x -> x.conv.packedBytes()).max().orElseThrow();
            long workspace = arena.allocate(entries.stream().mapToLong(x -> x.conv.workspaceBytes()).max().orElseThrow(), 4096).address();
            int copies = Math.toIntExact(Math.max(1, COPIES_BYTES / packedBytes));
            long packed = arena.allocate(copies * packedBytes, 4096).address();
            for (Entry x : entries) {
                for (int i = 0; i < copies; i++) {
                    x.conv.pack(weight, packed + i * packedBytes);
                }
                int runs = 0;
                for (int sample = -2; sample < x.millis.length; sample++) {
                    long from = System.nanoTime();
                    int count = 0;
                    do {
                        x.conv.run(in, packed + (runs++ % copies) * packedBytes, vector, vector, 0, out, workspace);
                        count++;
                    } while (System.nanoTime() - from < 20_000_000);
                    if (sample >= 0) {
                        x.millis[sample] = (System.nanoTime() - from) / 1e6 / count;
                    }
                }
            }
        }
    }

    private static long fill(Arena arena, long bytes) {
        var s = arena.allocate(bytes, 4096);
        for (long i = 0; i < bytes; i += 4) {
            s.set(java.lang.foreign.ValueLayout.JAVA_FLOAT, i, (i * 7919 % 2000) / 1000f - 1);
        }
        return s.address();
    }
}
