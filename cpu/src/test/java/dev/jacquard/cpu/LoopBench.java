package dev.jacquard.cpu;

import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Update;
import java.lang.foreign.Arena;
import java.util.List;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;

/** Prints time, bytes moved per second of processor time and heap allocated, one thread, for the bandwidth-bound loops; a main, not a test. Argument: a filter on the names. */
public final class LoopBench {
    private static final com.sun.management.ThreadMXBean ALLOCATED = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static String only = "";

    private LoopBench() {}

    /** Runs the table. */
    public static void main(String[] args) {
        only = args.length > 0 ? args[0] : "";
        try (Workers workers = new Workers(1)) {
            Simd simd = Kernels.get();
            int n = 128 * 64 * 64;
            long[] m = new long[5];
            for (int i = 0; i < m.length; i++) {
                m[i] = Arena.global().allocate(4L * n * 4 + 4096, 4096).address();
                for (int j = 0; j < 4 * n; j++) {
                    Raw.set(m[i] + 4L * j, (j * 2654435761L >>> 7 & 1023) / 256f - 2);
                }
            }
            for (Pointwise op : List.<Pointwise>of(new Pointwise.Relu(), new Pointwise.Sigmoid(), new Pointwise.Silu(), new Pointwise.Exp(), new Pointwise.Tanh(),
                    new Pointwise.Affine(2, 1), new Pointwise.Add(), new Pointwise.Mul(), new Pointwise.Div(), new Pointwise.SiluBackward(), new Pointwise.MulAdd())) {
                PointwiseLoop loop = simd.pointwise(op);
                report(op.name(), 4.0 * (op.arity() + 1) * n, () -> loop.run(m[0], 1, m[1], 1, m[2], 1, m[3], n));
            }
            for (Update.Rule rule : List.of(new Update.SgdMomentum(0.9, 0, false), new Update.RmsProp(0.9, 0.01, 0.9, 0, Update.RmsProp.Form.PYTORCH),
                    new Update.Adam(0.9, 0.999, 1e-8, 0, true), new Update.Average())) {
                UpdateLoop loop = simd.update(rule);
                report(rule.name(), 4.0 * (2 * rule.states() + 1) * n, () -> loop.run(m[0], m[1], m[2], m[3], n, 0, 1e-9f, 3));
            }
            for (int c : new int[] {24, 64, 256, 2048}) {
                ChannelOps ops = new ChannelOps(n / c, c, workers, simd);
                long w = Arena.global().allocate(ops.workspaceBytes() + 64, 64).address();
                report("stats C=" + c, 4.0 * n, () -> ops.stats(m[0], m[1], m[2], w));
                report("normalize C=" + c, 8.0 * n, () -> ops.normalize(m[0], m[1], m[2], m[3], m[4], true));
                report("bn backward C=" + c, 20.0 * n, () -> ops.batchNormBackward(m[0], m[1], m[2], m[2], m[2], 5, m[3], m[4], m[4] + 4L * c, w));
                report("sums C=" + c, 4.0 * n, () -> ops.sums(m[0], m[1], w));
            }
            windows(workers, simd, m, 128, 16, 64, 3, 2);
            windows(workers, simd, m, 8, 28, 240, 5, 1);
            windows(workers, simd, m, 2, 112, 64, 3, 1);
        }
    }

    private static void windows(Workers workers, Simd simd, long[] m, int n, int hw, int c, int r, int stride) {
        ConvShape s = new ConvShape(n, hw, hw, c, c, r, r, stride, stride, r / 2, r / 2, r / 2, r / 2, 1, 1, c);
        String name = " " + n + "x" + hw + "x" + hw + "x" + c + " k" + r + " s" + stride;
        double bytes = 4.0 * n * c * (hw * hw + s.oh() * s.ow());
        conv("max pool" + name, bytes, Pool.maxForward(s, workers, simd), m);
        conv("max pool backward" + name, bytes, Pool.maxBackward(s, workers, simd), m);
        conv("average pool" + name, bytes, Pool.averageForward(s, true, workers, simd), m);
        conv("depthwise" + name, bytes, Conv.forward(s, workers, simd), m);
        conv("depthwise data" + name, bytes, Conv.backwardData(s, workers, simd), m);
        conv("depthwise weight" + name, bytes, Conv.backwardWeight(s, workers, simd), m);
    }

    private static void conv(String name, double bytes, Conv conv, long[] m) {
        long w = Arena.global().allocate(conv.workspaceBytes() + 64, 64).address();
        report(name, bytes, () -> conv.run(m[0], m[1], m[2], w));
    }

    private static void report(String name, double bytes, Runnable run) {
        if (!name.contains(only)) {
            return;
        }
        long until = System.nanoTime() + 900_000_000L;
        while (System.nanoTime() < until) {
            run.run();
        }
        double[] times = new double[21];
        for (int i = 0; i < times.length; i++) {
            long t = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            run.run();
            times[i] = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - t;
        }
        long allocated = ALLOCATED.getCurrentThreadAllocatedBytes();
        run.run();
        allocated = ALLOCATED.getCurrentThreadAllocatedBytes() - allocated;
        Arrays.sort(times);
        System.out.printf(Locale.ROOT, "%-42s %8.3f ms  %5.1f GB/s  %d bytes allocated%n", name, times[10] / 1e6, bytes / times[10], allocated);
    }
}
