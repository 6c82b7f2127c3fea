package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.GatherPlan;
import dev.jacquard.cpu.Kernels;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Prints, as CSV, GOP/s of 8-bit convolutions with a fused ReLU and requantisation beside GFLOP/s of the F32 ones of the same shape (useful multiply-adds only, weights packed
 * beforehand where the kernel packs), taken
 * in turns in one run, and the peaks of all threads together; where
 * F32 takes Winograd's method, which multiplies less often, beside the plain product, too. A main, not a test. Arguments: threads, batch, part of a shape's name, {@code avx512},
 * {@code avx2} or {@code words}, and {@code int8} to leave F32 out.
 */
public final class QuantizedBench {
    private static final int REPEATS = 7;
    private static final double SECONDS = 0.03;
    /** The system may leave two threads on one core for as long. */
    private static final double SETTLING = 0.15;

    private final Workers workers;
    private final ByteDot dot;
    private final boolean both;
    private final Arena arena = Arena.global();

    private QuantizedBench(Workers workers, ByteDot dot, boolean both) {
        this.workers = workers;
        this.dot = dot;
        this.both = both;
    }

    private record Row(String name, ConvShape shape) {}

    /** Runs the table. */
    public static void main(String[] args) {
        int threads = args.length > 0 ? Integer.parseInt(args[0]) : 2;
        int batch = args.length > 1 ? Integer.parseInt(args[1]) : 16;
        String part = args.length > 2 ? args[2] : "";
        String set = args.length > 3 ? args[3] : "avx512";
        ByteDot dot = set.equals("words") ? ByteDot.WORDS : ByteDot.of(set.equals("avx2") ? InstructionSet.AVX2 : InstructionSet.AVX512);
        try (Workers workers = new Workers(threads)) {
            QuantizedBench bench = new QuantizedBench(workers, dot, args.length < 5);
            double[] peaks = bench.peaks(threads);
            System.out.printf(Locale.ROOT, "# %d threads, %s: peak int8 %.0f GOP/s, f32 %.0f GFLOP/s; f32 kernels: %s%n", threads, dot, peaks[0], peaks[1],
                    Kernels.get().describe());
            System.out.println("shape,int8 ms,int8 GOP/s,int8 % of peak,f32 ms,f32 GFLOP/s,f32 % of peak,ratio,ratio to f32 products,pack ms");
            rows(batch).stream().filter(r -> r.name.contains(part)).forEach(r -> bench.row(r, peaks));
        }
    }

    private static List<Row> rows(int n) {
        List<Row> all = new ArrayList<>();
        all.add(row("stem 224 7x7 s2 3-64", n, 224, 3, 64, 7, 2, 1));
        int[] maps = {56, 28, 14, 7};
        for (int stage = 0; stage < 4; stage++) {
            int hw = maps[stage];
            int mid = 64 << stage;
            int before = stage == 0 ? hw : 2 * hw;
            int in = stage == 0 ? 64 : 2 * mid;
            all.add(row(before + " 1x1 " + in + "-" + mid, n, before, in, mid, 1, 1, 1));
            if (stage > 0) {
                all.add(row(before + " 3x3 s2 " + mid + "-" + mid, n, before, mid, mid, 3, 2, 1));
            }
            all.add(row(hw + " 3x3 " + mid + "-" + mid, n, hw, mid, mid, 3, 1, 1));
            all.add(row(hw + " 1x1 " + mid + "-" + 4 * mid, n, hw, mid, 4 * mid, 1, 1, 1));
            all.add(row(before + " 1x1" + (stage == 0 ? " " : " s2 ") + in + "-" + 4 * mid, n, before, in, 4 * mid, 1, stage == 0 ? 1 : 2, 1));
            all.add(row(hw + " 1x1 " + 4 * mid + "-" + mid, n, hw, 4 * mid, mid, 1, 1, 1));
        }
        all.add(row("1 1x1 2048-1000", n, 1, 2048, 1000, 1, 1, 1));
        all.add(row("dw 112 3x3 32", n, 112, 32, 32, 3, 1, 32));
        all.add(row("dw 112 3x3 s2 96", n, 112, 96, 96, 3, 2, 96));
        all.add(row("dw 56 3x3 144", n, 56, 144, 144, 3, 1, 144));
        all.add(row("dw 28 5x5 240", n, 28, 240, 240, 5, 1, 240));
        all.add(row("dw 14 5x5 672", n, 14, 672, 672, 5, 1, 672));
        all.add(row("dw 7 3x3 1152", n, 7, 1152, 1152, 3, 1, 1152));
        all.add(row("g32 56 3x3 128", n, 56, 128, 128, 3, 1, 32));
        all.add(row("g32 28 3x3 256", n, 28, 256, 256, 3, 1, 32));
        all.add(row("g32 14 3x3 512", n, 14, 512, 512, 3, 1, 32));
        all.add(row("g32 7 3x3 1024", n, 7, 1024, 1024, 3, 1, 32));
        return all.stream().distinct().toList();
    }

    private static Row row(String name, int n, int hw, int c, int k, int r, int stride, int groups) {
        int pad = r / 2;
        return new Row(name, new ConvShape(n, hw, hw, c, k, r, r, stride, stride, pad, pad, pad, pad, 1, 1, groups));
    }

    /** Of all threads together, int8 and F32. */
    private double[] peaks(int threads) {
        double[][] each = new double[2][threads];
        workers.run((chunk, _) -> each[0][chunk] = dot == ByteDot.WORDS ? Double.NaN : VnniPeak.gigaops(dot), threads);
        workers.run((chunk, _) -> each[1][chunk] = FmaPeak.gigaflops(dot.set()), threads);
        return new double[] {Arrays.stream(each[0]).sum(), Arrays.stream(each[1]).sum()};
    }

    private long random(long floats) {
        long at = arena.allocate(4 * floats + 4096, 4096).address();
        for (long i = 0; i < floats; i++) {
            Raw.set(at + 4 * i, (i * 2654435761L >>> 7 & 1023) / 1024f - 0.5f);
        }
        return at;
    }

    private void row(Row row, double[] peaks) {
        ConvShape s = row.shape;
        long outputs = (long) s.n() * s.oh() * s.ow() * s.k();
        long x = random((long) s.n() * s.h() * s.w() * s.c());
        long w = random((long) s.k() * s.r() * s.s() * s.groupC());
        long y = random(outputs);
        long scale = random(s.k());
        QuantizedConv conv = QuantizedConv.of(s, new ByteEpilogue(0, Nonlinearity.RELU, true), workers, dot);
        long packed = random(conv.packedBytes() / 4);
        long scratch = random(conv.workspaceBytes() / 4);
        Runnable bytes = () -> conv.run(x, packed, scale, scale, 0, y, scratch);
        Runnable floats = both ? floats(EmittedConvolutions.forward(s, Epilogue.NONE, workers, dot.set()), s, x, w, y) : () -> {};
        boolean fewer = both && WinogradChoice.forward(s, dot.set()).isPresent();
        Runnable products = fewer ? floats(new DenseConv(GatherPlan.forward(s), Epilogue.NONE, workers, dot.set()), s, x, w, y) : () -> {};
        double pack = time(() -> conv.pack(w, packed));
        List<Runnable> all = List.of(bytes, floats, products);
        double[][] times = new double[all.size()][REPEATS];
        // As a plan does: threads that park between runs are woken on the caller's core, and stay there for as long as a run takes.
        workers.hold();
        try {
            all.forEach(run -> time(run, SETTLING));
            for (int i = 0; i < REPEATS; i++) {
                for (int j = 0; j < all.size(); j++) {
                    times[j][i] = j > 0 && !both ? Double.NaN : time(all.get(j));
                }
            }
        } finally {
            workers.release();
        }
        double operations = 2.0 * s.usefulMultiplyAdds();
        double a = median(times[0]);
        double b = median(times[1]);
        double c = fewer ? median(times[2]) : b;
        System.out.printf(Locale.ROOT, "%s,%.3f,%.0f,%.1f,%.3f,%.0f,%.1f,%.2f,%.2f,%.3f%n", row.name, a * 1e3, operations / a / 1e9, operations / a / 1e7 / peaks[0],
                b * 1e3, operations / b / 1e9,
                operations / b / 1e7 / peaks[1], b / a, c / a, pack * 1e3);
    }

    private Runnable floats(PackedConv packed, ConvShape s, long x, long w, long y) {
        long weights = random(packed.packedBytes() / 4);
        long scratch = random(packed.workspaceBytes() / 4);
        packed.pack(w, weights);
        return () -> packed.run(x, weights, 0, 0, 0, y, scratch);
    }

    /** Seconds of a run, from as many as take some milliseconds. */
    private static double time(Runnable run) {
        return time(run, SECONDS);
    }

    private static double time(Runnable run, double least) {
        run.run();
        long from = System.nanoTime();
        int runs = 0;
        while (System.nanoTime() - from < least * 1e9) {
            run.run();
            runs++;
        }
        return (System.nanoTime() - from) / 1e9 / runs;
    }

    private static double median(double[] times) {
        double[] sorted = times.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
