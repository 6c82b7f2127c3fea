package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Reduction;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Sums, maxima, top-k and softmax. */
final class ReductionKernels {
    private ReductionKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                Reduction.Sum.class, new SumKernel(),
                Reduction.Amax.class, (CpuKernel<Reduction.Amax>) (op, call) -> extreme(op.axis(), call, false),
                Reduction.Argmax.class, (CpuKernel<Reduction.Argmax>) (op, call) -> extreme(op.axis(), call, true),
                Reduction.TopK.class, (CpuKernel<Reduction.TopK>) ReductionKernels::topK,
                Reduction.Softmax.class, (CpuKernel<Reduction.Softmax>) (_, call) -> softmax(call, false),
                Reduction.LogSoftmax.class, (CpuKernel<Reduction.LogSoftmax>) (_, call) -> softmax(call, true));
    }

    /** A contiguous input seen as (outer, length, inner): the middle is reduced. */
    private record Middle(long outer, long length, long inner) {
        static Middle of(Shape x, int axis) {
            int a = x.axis(axis);
            return new Middle(x.slice(0, a).size(), x.dim(a), x.slice(a + 1, x.rank()).size());
        }
    }

    private record SumKernel() implements CpuKernel<Reduction.Sum> {
        private static TreeSet<Integer> axes(Reduction.Sum op, Shape x) {
            TreeSet<Integer> axes = new TreeSet<>();
            op.axes().forEach(a -> axes.add(x.axis(a)));
            return axes;
        }

        /** The axes as one, if they are neighbours; else null. */
        private static Middle middle(Reduction.Sum op, Shape x) {
            TreeSet<Integer> axes = axes(op, x);
            return axes.isEmpty() || axes.last() - axes.first() + 1 != axes.size() ? null
                    : new Middle(x.slice(0, axes.first()).size(), x.slice(axes.first(), axes.last() + 1).size(), x.slice(axes.last() + 1, x.rank()).size());
        }

        @Override
        public long workspace(Reduction.Sum op, List<TensorType> in, Team team) {
            Middle m = middle(op, in.getFirst().shape());
            return m == null || m.outer() > 1 || m.inner() == 1 ? 0 : new ChannelOps(m.length(), Math.toIntExact(m.inner()), team.workers(), team.simd()).workspaceBytes();
        }

        @Override
        public Launch bind(Reduction.Sum op, Call call) {
            Shape x = call.inShape(0);
            Middle m = middle(op, x);
            if (m == null || call.in().getFirst().dtype() != DType.F32) {
                return scattered(call, axes(op, x));
            }
            return m.inner() == 1 ? rowSums(call, m) : columnSums(call, m);
        }
    }

    private static Launch rowSums(Call call, Middle m) {
        long src = call.in(0);
        long dst = call.out(0);
        return call.parallel(m.outer(), m.length(), (a, b) -> {
            for (long i = a; i < b; i++) {
                Raw.set(dst + 4 * i, (float) rowSum(src + 4 * i * m.length(), m.length()));
            }
        });
    }

    /** Four sums side by side: the additions of one do not wait for those of another. */
    private static double rowSum(long at, long n) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        long i = 0;
        for (; i + 4 <= n; i += 4) {
            s0 += Raw.get(at + 4 * i);
            s1 += Raw.get(at + 4 * i + 4);
            s2 += Raw.get(at + 4 * i + 8);
            s3 += Raw.get(at + 4 * i + 12);
        }
        for (; i < n; i++) {
            s0 += Raw.get(at + 4 * i);
        }
        return s0 + s1 + (s2 + s3);
    }

    /** One block of rows for each of the outer iterations; a single one, as for a bias, is cut among the threads. */
    private static Launch columnSums(Call call, Middle m) {
        long src = call.in(0);
        long dst = call.out(0);
        int columns = Math.toIntExact(m.inner());
        Simd simd = call.team().simd();
        if (m.outer() == 1) {
            ChannelOps ops = new ChannelOps(m.length(), columns, call.team().workers(), simd);
            long workspace = call.workspace();
            return () -> ops.sums(src, dst, workspace);
        }
        return call.parallel(m.outer(), m.length() * columns, (a, b) -> {
            for (long i = a; i < b; i++) {
                simd.columnSums(Math.toIntExact(m.length()), columns, src + 4 * i * m.length() * columns, 4L * columns, dst + 4 * i * columns);
            }
        });
    }

    /** Any axes and element types, an output element at a time. */
    private static Launch scattered(Call call, TreeSet<Integer> axes) {
        Shape x = call.inShape(0);
        DType type = call.in().getFirst().dtype();
        long[] strides = Layout.contiguous(x).strides();
        int[] kept = java.util.stream.IntStream.range(0, x.rank()).filter(i -> !axes.contains(i)).toArray();
        int[] gone = axes.stream().mapToInt(Integer::intValue).toArray();
        long terms = axes.stream().mapToLong(x::dim).reduce(1, (a, b) -> a * b);
        long src = call.in(0);
        long dst = call.out(0);
        return call.parallel(call.outShape(0).size(), terms, (a, b) -> {
            for (long i = a; i < b; i++) {
                long base = position(i, kept, x, strides);
                double s = 0;
                for (long t = 0; t < terms; t++) {
                    s += Raw.get(src + type.bytes() * (base + position(t, gone, x, strides)), type);
                }
                Raw.set(dst + type.bytes() * i, type, s);
            }
        });
    }

    private static long position(long index, int[] axes, Shape x, long[] strides) {
        long rest = index;
        long at = 0;
        for (int i = axes.length - 1; i >= 0; i--) {
            long d = x.dim(axes[i]);
            at += rest % d * strides[axes[i]];
            rest /= d;
        }
        return at;
    }

    /** The largest along an axis, or where it is. NaN is larger than everything, the first of equals wins. */
    private static Launch extreme(int axis, Call call, boolean where) {
        Middle m = Middle.of(call.inShape(0), axis);
        DType type = call.in().getFirst().dtype();
        long src = call.in(0);
        long dst = call.out(0);
        return call.parallel(m.outer() * m.inner(), m.length(), (a, b) -> {
            for (long i = a; i < b; i++) {
                long base = i / m.inner() * m.length() * m.inner() + i % m.inner();
                double best = Raw.get(src + type.bytes() * base, type);
                int at = 0;
                for (int t = 1; t < m.length() && best == best; t++) {
                    double v = Raw.get(src + type.bytes() * (base + t * m.inner()), type);
                    if (!(v <= best)) {
                        best = v;
                        at = t;
                    }
                }
                if (where) {
                    Raw.setInt(dst + 4 * i, at);
                } else {
                    Raw.set(dst + type.bytes() * i, type, best);
                }
            }
        });
    }

    private static Launch topK(Reduction.TopK op, Call call) {
        long n = call.inShape(0).dim(-1);
        int k = op.k();
        DType type = call.in().getFirst().dtype();
        int size = type.bytes();
        long src = call.in(0);
        long values = call.out(0);
        long indices = call.out(1);
        return call.parallel(call.inShape(0).size() / n, n, (a, b) -> {
            for (long row = a; row < b; row++) {
                int found = 0;
                for (int i = 0; i < n; i++) {
                    double v = Raw.get(src + size * (row * n + i), type);
                    int at = found;
                    while (at > 0 && larger(v, Raw.get(values + size * (row * k + at - 1), type))) {
                        at--;
                    }
                    if (at == k) {
                        continue;
                    }
                    found = Math.min(found + 1, k);
                    for (int j = found - 1; j > at; j--) {
                        Raw.set(values + size * (row * k + j), type, Raw.get(values + size * (row * k + j - 1), type));
                        Raw.setInt(indices + 4 * (row * k + j), Raw.getInt(indices + 4 * (row * k + j - 1)));
                    }
                    Raw.set(values + size * (row * k + at), type, v);
                    Raw.setInt(indices + 4 * (row * k + at), i);
                }
            }
        });
    }

    private static boolean larger(double a, double b) {
        return a > b || a != a && b == b;
    }

    private static Launch softmax(Call call, boolean logarithm) {
        long n = call.inShape(0).dim(-1);
        long src = call.in(0);
        long dst = call.out(0);
        return call.parallel(call.inShape(0).size() / n, 8 * n, (a, b) -> {
            for (long row = a; row < b; row++) {
                softmaxRow(src + 4 * row * n, dst + 4 * row * n, n, logarithm);
            }
        });
    }

    private static void softmaxRow(long x, long y, long n, boolean logarithm) {
        float max = Float.NEGATIVE_INFINITY;
        for (long i = 0; i < n; i++) {
            max = Math.max(max, Raw.get(x + 4 * i));
        }
        double sum = 0;
        for (long i = 0; i < n; i++) {
            double e = Math.exp(Raw.get(x + 4 * i) - max);
            sum += e;
            if (!logarithm) {
                Raw.set(y + 4 * i, (float) e);
            }
        }
        double log = Math.log(sum);
        for (long i = 0; i < n; i++) {
            Raw.set(y + 4 * i, logarithm ? (float) (Raw.get(x + 4 * i) - max - log) : (float) (Raw.get(y + 4 * i) / sum));
        }
    }
}
