package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
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
 * Prints what the depthwise convolutions of EfficientNet-B0 and the grouped ones of SE-ResNeXt-101 take, three directions, by emitted kernels; a main, not a test. Arguments: threads, images, part of a name,
 * instruction set ({@code AVX512} by default).
 */
public final class GroupedConvBench {
    private static final Arena ARENA = Arena.global();
    private static final double SECONDS = 0.12;

    private record Layer(String name, ConvShape shape) {}

    private GroupedConvBench() {}

    /** Runs the table. */
    public static void main(String[] args) {
        int threads = args.length > 0 ? Integer.parseInt(args[0]) : 2;
        int images = args.length > 1 ? Integer.parseInt(args[1]) : 16;
        String filter = args.length > 2 ? args[2] : "";
        InstructionSet set = args.length > 3 ? InstructionSet.valueOf(args[3]) : InstructionSet.AVX512;
        try (Workers workers = new Workers(threads)) {
            double peak = threads * FmaPeak.gigaflops(set);
            System.out.printf(Locale.ROOT, "%s, %d threads, %d images, FMA peak %.0f GFLOP/s, copy %.1f GB/s%n", set.label(), threads, images, peak, copy(workers));
            for (Layer l : layers(images)) {
                if (l.name.contains(filter)) {
                    layer(l, workers, set, peak);
                }
            }
        }
    }

    private static List<Layer> layers(int n) {
        List<Layer> all = new ArrayList<>();
        int[][] depthwise = {{112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {56, 144, 5, 2}, {28, 240, 5, 1}, {28, 240, 3, 2}, {14, 480, 3, 1}, {14, 480, 5, 1}, {14, 672, 5, 1}, {14, 672, 5, 2},
                {7, 1152, 5, 1}, {7, 1152, 3, 1}, {112, 96, 3, 1}};
        for (int[] d : depthwise) {
            all.add(layer("dw", n, d[0], d[1], d[2], d[3], d[1]));
        }
        int[][] grouped = {{56, 128, 1}, {56, 256, 2}, {28, 256, 1}, {28, 512, 2}, {14, 512, 1}, {14, 1024, 2}, {7, 1024, 1}};
        for (int[] g : grouped) {
            all.add(layer("g32", n, g[0], g[1], 3, g[2], 32));
        }
        return all;
    }

    private static Layer layer(String kind, int n, int hw, int c, int r, int stride, int groups) {
        int pad = r / 2;
        return new Layer(String.format(Locale.ROOT, "%s %dx%d %dx%dx%d s%d", kind, r, r, hw, hw, c, stride), new ConvShape(n, hw, hw, c, c, r, r, stride, stride, pad, pad, pad, pad, 1, 1, groups));
    }

    private static long random(long floats) {
        long at = ARENA.allocate(4 * floats + 4096, 4096).address();
        for (long i = 0; i < floats; i++) {
            Raw.set(at + 4 * i, (i * 2654435761L >>> 7 & 1023) / 1024f - 0.5f);
        }
        return at;
    }

    private static void layer(Layer l, Workers workers, InstructionSet set, double peak) {
        ConvShape s = l.shape;
        long xs = (long) s.n() * s.h() * s.w() * s.c();
        long ys = (long) s.n() * s.oh() * s.ow() * s.k();
        long x = random(xs);
        long y = random(ys);
        long w = random((long) s.k() * s.r() * s.s() * s.groupC());
        long scale = random(s.k());
        double flops = 2.0 * s.usefulMultiplyAdds();
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-22s", l.name));
        PackedConv plain = EmittedConvolutions.forward(s, Epilogue.NONE, workers, set);
        PackedConv silu = EmittedConvolutions.forward(s, new Epilogue(true, true, false, s.depthwise() ? Nonlinearity.SILU : Nonlinearity.RELU), workers, set);
        PackedConv data = EmittedConvolutions.backwardData(s, workers, set);
        long packed = random(Math.max(plain.packedBytes(), data.packedBytes()) / 4);
        plain.pack(w, packed);
        report(line, "fwd", flops, 4 * (xs + ys), peak, () -> plain.run(x, packed, scale, scale, 0, y, 0));
        report(line, "act", flops, 4 * (xs + ys), peak, () -> silu.run(x, packed, scale, scale, 0, y, 0));
        data.pack(w, packed);
        report(line, "data", flops, 4 * (xs + ys), peak, () -> data.run(y, packed, 0, 0, 0, x, 0));
        EmittedConvolutions.backwardWeight(s, workers, set).ifPresent(weight -> {
            long scratch = random(weight.workspaceBytes() / 4);
            report(line, "weight", flops, 4 * (xs + ys), peak, () -> weight.run(x, y, w, scratch));
        });
        System.out.println(line);
    }

    private static double copy(Workers workers) {
        long floats = 32L << 20;
        long from = random(floats);
        long to = random(floats);
        int chunks = 256;
        long bytes = 4 * floats / chunks;
        return 8.0 * floats / median(() -> workers.run((i, _) -> Raw.copy(from + i * bytes, to + i * bytes, bytes), chunks));
    }

    private static void report(StringBuilder line, String what, double flops, double bytes, double peak, Runnable run) {
        double ns = median(run);
        line.append(String.format(Locale.ROOT, " | %s %7.3f ms %5.0f GF %2.0f%% %5.1f GB/s", what, ns / 1e6, flops / ns, 100 * flops / ns / peak, bytes / ns));
    }

    private static double median(Runnable run) {
        double[] times = new double[1000];
        int n = 0;
        run.run();
        long until = System.nanoTime() + (long) (SECONDS * 1e9);
        while (n < 5 || n < times.length && System.nanoTime() < until) {
            long t = System.nanoTime();
            run.run();
            times[n++] = System.nanoTime() - t;
        }
        Arrays.sort(times, 0, n);
        return times[n / 2];
    }
}
