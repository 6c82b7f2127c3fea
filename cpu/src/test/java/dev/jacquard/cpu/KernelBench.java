package dev.jacquard.cpu;

import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;

/** Prints GFLOP/s (useful multiply-adds only) of products and convolutions; a main, not a test. Arguments: threads, and a filter on the names. */
public final class KernelBench {
    private static final Arena ARENA = Arena.global();

    private static boolean oneThread;

    private KernelBench() {}

    /** Runs the table. */
    public static void main(String[] args) {
        int threads = args.length > 0 ? Integer.parseInt(args[0]) : 2;
        oneThread = threads == 1;
        String filter = args.length > 1 ? args[1] : "";
        try (Workers workers = new Workers(threads)) {
            Simd simd = Kernels.get();
            System.out.println(simd.describe() + ", threads " + threads);
            for (int n : new int[] {256, 1024}) {
                gemm("gemm " + n, n, n, n, workers, simd, filter);
            }
            conv("32px stem 7x7 s2 3-64", 128, 32, 3, 64, 7, 2, 3, workers, simd, filter);
            conv("8x8 3x3 64-64", 128, 8, 64, 64, 3, 1, 1, workers, simd, filter);
            conv("8x8 1x1 64-256", 128, 8, 64, 256, 1, 1, 0, workers, simd, filter);
            conv("8x8 1x1 256-64", 128, 8, 256, 64, 1, 1, 0, workers, simd, filter);
            conv("8x8 3x3 s2 128-128", 128, 8, 128, 128, 3, 2, 1, workers, simd, filter);
            conv("8x8 1x1 s2 256-512", 128, 8, 256, 512, 1, 2, 0, workers, simd, filter);
            conv("4x4 3x3 128-128", 128, 4, 128, 128, 3, 1, 1, workers, simd, filter);
            conv("4x4 1x1 512-128", 128, 4, 512, 128, 1, 1, 0, workers, simd, filter);
            conv("2x2 3x3 256-256", 128, 2, 256, 256, 3, 1, 1, workers, simd, filter);
            conv("2x2 1x1 256-1024", 128, 2, 256, 1024, 1, 1, 0, workers, simd, filter);
            conv("1x1 3x3 512-512", 128, 1, 512, 512, 3, 1, 1, workers, simd, filter);
            conv("1x1 1x1 512-2048", 128, 1, 512, 2048, 1, 1, 0, workers, simd, filter);
            conv("224px 56x56 3x3 64-64 b8", 8, 56, 64, 64, 3, 1, 1, workers, simd, filter);
            conv("224px 56x56 1x1 256-64 b8", 8, 56, 256, 64, 1, 1, 0, workers, simd, filter);
            conv("224px 28x28 3x3 s2 b8", 8, 56, 128, 128, 3, 2, 1, workers, simd, filter);
            conv("224px 14x14 3x3 256-256 b8", 8, 14, 256, 256, 3, 1, 1, workers, simd, filter);
        }
    }

    private static long random(long floats) {
        long at = ARENA.allocate(4 * floats + 4096, 4096).address();
        for (long i = 0; i < floats; i++) {
            Raw.set(at + 4 * i, (i * 2654435761L >>> 7 & 1023) / 1024f - 0.5f);
        }
        return at;
    }

    private static void gemm(String name, int m, int n, int k, Workers workers, Simd simd, String filter) {
        if (!name.contains(filter)) {
            return;
        }
        for (int flags = 0; flags < 4; flags++) {
            Gemm plan = new Gemm(Gemm.Spec.dense(m, n, k, (flags & 1) != 0, (flags & 2) != 0), workers, simd);
            long a = random((long) m * k);
            long b = random((long) k * n);
            long c = random((long) m * n);
            long w = random(plan.workspaceBytes() / 4);
            report(name + ((flags & 1) != 0 ? " At" : "") + ((flags & 2) != 0 ? " Bt" : ""), 2.0 * m * n * k, () -> plan.run(a, b, c, w));
        }
    }

    private static void conv(String name, int n, int hw, int c, int k, int r, int stride, int pad, Workers workers, Simd simd, String filter) {
        if (!name.contains(filter)) {
            return;
        }
        ConvShape s = new ConvShape(n, hw, hw, c, k, r, r, stride, stride, pad, pad, pad, pad, 1, 1, 1);
        long x = random((long) n * hw * hw * c);
        long w = random((long) k * r * r * c);
        long y = random((long) n * s.oh() * s.ow() * k);
        Conv forward = Conv.forward(s, workers, simd);
        Conv data = Conv.backwardData(s, workers, simd);
        Conv weight = Conv.backwardWeight(s, workers, simd);
        long scratch = random(Math.max(forward.workspaceBytes(), Math.max(data.workspaceBytes(), weight.workspaceBytes())) / 4 + 1);
        double flops = 2.0 * s.usefulMultiplyAdds();
        report(name + " fwd", flops, () -> forward.run(x, w, y, scratch));
        report(name + " data", flops, () -> data.run(y, w, x, scratch));
        report(name + " weight", flops, () -> weight.run(x, y, w, scratch));
    }

    /** With one thread the processor time of that thread, so that other load on the machine counts less; wall time otherwise. */
    private static long now() {
        return oneThread ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() : System.nanoTime();
    }

    private static void report(String name, double flops, Runnable run) {
        long until = System.nanoTime() + 300_000_000L;
        while (System.nanoTime() < until) {
            run.run();
        }
        int reps = (int) Math.max(1, 15e6 / (flops / 150));
        double[] times = new double[15];
        for (int i = 0; i < times.length; i++) {
            long t = now();
            for (int j = 0; j < reps; j++) {
                run.run();
            }
            times[i] = (now() - t) / (double) reps;
        }
        Arrays.sort(times);
        System.out.printf(Locale.ROOT, "%-34s %8.3f ms  %6.1f GFLOP/s (best %6.1f)%n", name, times[7] / 1e6, flops / times[7], flops / times[0]);
    }
}
