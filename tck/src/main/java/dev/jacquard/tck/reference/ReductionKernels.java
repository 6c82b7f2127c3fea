package dev.jacquard.tck.reference;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Reduction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Ops along axes. */
final class ReductionKernels {
    private ReductionKernels() {}

    static void rows() {
        Kernels.one(Reduction.Sum.class, ReductionKernels::sum);
        Kernels.one(Reduction.Amax.class, (op, in, type) -> alongAxis(in.getFirst(), op.axis(), type, line -> line[ranking(line).getFirst()]));
        Kernels.one(Reduction.Argmax.class, (op, in, type) -> alongAxis(in.getFirst(), op.axis(), type, line -> ranking(line).getFirst()));
        Kernels.all(Reduction.TopK.class, ReductionKernels::topK);
        Kernels.one(Reduction.Softmax.class, (op, in, type) -> lines(in.getFirst(), ReductionKernels::softmax));
        Kernels.one(Reduction.LogSoftmax.class, (op, in, type) -> lines(in.getFirst(), ReductionKernels::logSoftmax));
    }

    private static double[] sum(Reduction.Sum op, List<Array> in, TensorType type) {
        Array x = in.getFirst();
        Shape kept = x.shape();
        for (int axis : op.axes()) {
            kept = kept.with(axis, 1);
        }
        Shape ones = kept;
        double[] y = new double[Math.toIntExact(type.shape().size())];
        Index.forEach(x.shape(), (index, i) -> y[Index.broadcast(ones, index)] += x.values()[i]);
        return y;
    }

    /** One number from the elements along an axis. */
    @FunctionalInterface
    private interface Line {
        double reduce(double[] line);
    }

    private static double[] alongAxis(Array x, int axis, TensorType type, Line rule) {
        int a = x.shape().axis(axis);
        double[] y = new double[Math.toIntExact(type.shape().size())];
        Index.forEach(type.shape(), (index, i) -> {
            long[] source = new long[index.length + 1];
            System.arraycopy(index, 0, source, 0, a);
            System.arraycopy(index, a, source, a + 1, index.length - a);
            double[] line = new double[x.dim(a)];
            for (int j = 0; j < line.length; j++) {
                source[a] = j;
                line[j] = x.at(source);
            }
            y[i] = rule.reduce(line);
        });
        return y;
    }

    /** Positions by value, the largest first, the first of equals first; NaN is larger than all. Zeros of both signs are equal. */
    private static List<Integer> ranking(double[] line) {
        return IntStream.range(0, line.length).boxed().sorted(Comparator.comparingDouble((Integer j) -> line[j] + 0.0).reversed()).toList();
    }

    private static List<double[]> topK(Reduction.TopK op, List<Array> in, List<TensorType> types) {
        List<double[]> y = ReferenceBackend.zeros(types);
        List<double[]> lines = split(in.getFirst());
        for (int l = 0; l < lines.size(); l++) {
            List<Integer> order = ranking(lines.get(l));
            for (int j = 0; j < op.k(); j++) {
                y.get(0)[l * op.k() + j] = lines.get(l)[order.get(j)];
                y.get(1)[l * op.k() + j] = order.get(j);
            }
        }
        return y;
    }

    private static double[] softmax(double[] x) {
        double largest = java.util.Arrays.stream(x).max().orElseThrow();
        double[] e = java.util.Arrays.stream(x).map(v -> Math.exp(v - largest)).toArray();
        double sum = 0;
        for (double v : e) {
            sum += v;
        }
        for (int j = 0; j < e.length; j++) {
            e[j] /= sum;
        }
        return e;
    }

    private static double[] logSoftmax(double[] x) {
        double largest = java.util.Arrays.stream(x).max().orElseThrow();
        double sum = 0;
        for (double v : x) {
            sum += Math.exp(v - largest);
        }
        double log = Math.log(sum);
        return java.util.Arrays.stream(x).map(v -> v - largest - log).toArray();
    }

    /** The lines along the last axis. */
    private static List<double[]> split(Array x) {
        int n = x.dim(-1);
        List<double[]> all = new ArrayList<>();
        for (int at = 0; at < x.values().length; at += n) {
            all.add(java.util.Arrays.copyOfRange(x.values(), at, at + n));
        }
        return all;
    }

    private static double[] lines(Array x, java.util.function.UnaryOperator<double[]> rule) {
        return split(x).stream().map(rule).flatMapToDouble(java.util.Arrays::stream).toArray();
    }
}
