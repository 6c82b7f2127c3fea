package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.util.List;
import java.util.TreeSet;

/** Ops that reduce or normalise along axes. */
public sealed interface Reduction extends Op {
    /** Number of elements that make one result: the product of the given axes' extents. */
    private static long length(TensorType x, List<Integer> axes) {
        return axes.stream().mapToLong(a -> x.shape().dim(a)).reduce(1, (a, b) -> a * b);
    }

    private static Shape reduced(Op op, Shape shape, List<Integer> axes, boolean keep) {
        TreeSet<Integer> sorted = new TreeSet<>();
        for (int a : axes) {
            if (!sorted.add(shape.axis(a))) {
                throw new ShapeException(op.name(), "axis named twice", axes + " of " + shape, "different axes", "name every axis once");
            }
        }
        Shape s = shape;
        for (int a : sorted.descendingSet()) {
            s = keep ? s.with(a, 1) : s.without(a);
        }
        return s;
    }

    /** Sum over axes; the axes stay with extent 1 if {@code keep}. The empty sum is 0. */
    record Sum(List<Integer> axes, boolean keep) implements Reduction {
        /** A sum that removes the axes. */
        public static Sum over(int... axes) {
            return new Sum(java.util.Arrays.stream(axes).boxed().toList(), false);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            return List.of(in.getFirst().withShape(reduced(this, in.getFirst().shape(), axes, keep)));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, in.getFirst().shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(length(in.getFirst(), axes));
        }
    }

    /** Largest element along one axis, which is removed; NaN if there is one. */
    record Amax(int axis) implements Reduction {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            notEmpty(this, in.getFirst(), axis);
            return List.of(in.getFirst().withShape(in.getFirst().shape().without(axis)));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, in.getFirst().shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** Index (I32) of the largest element along one axis, the first of equals; the axis is removed. */
    record Argmax(int axis) implements Reduction {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            notEmpty(this, in.getFirst(), axis);
            return List.of(new TensorType(DType.I32, in.getFirst().shape().without(axis)));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** The k largest along the last axis, largest first, the first of equals first: values and their indices (I32). */
    record TopK(int k) implements Reduction {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            TensorType x = in.getFirst();
            if (k < 1 || x.shape().rank() < 1 || k > x.shape().dim(-1)) {
                throw new ShapeException(name(), "k does not fit the last axis", "k = " + k + " of " + x, "1 <= k <= extent of the last axis", "lower k");
            }
            Shape s = x.shape().with(-1, k);
            return List.of(x.withShape(s), new TensorType(DType.I32, s));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** {@code e^x / sum(e^x)} along the last axis, by the shifted form that cannot overflow. */
    record Softmax() implements Reduction {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return alongLastAxis(this, in);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 5 * in.getFirst().shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(in.getFirst().shape().dim(-1));
        }
    }

    /** {@code x - log(sum(e^x))} along the last axis, by the shifted form. */
    record LogSoftmax() implements Reduction {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return alongLastAxis(this, in);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 4 * in.getFirst().shape().size());
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.reduce(in.getFirst().shape().dim(-1));
        }
    }

    private static List<TensorType> alongLastAxis(Op op, List<TensorType> in) {
        Types.count(op, in, 1);
        Types.floating(op, in);
        notEmpty(op, in.getFirst(), -1);
        return in;
    }

    private static void notEmpty(Op op, TensorType x, int axis) {
        if (x.shape().rank() == 0 || x.shape().dim(axis) == 0) {
            throw new ShapeException(op.name(), "nothing to reduce", x.toString(), "at least one element along axis " + axis, "check the shape");
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        return List.of(
                OpRow.of(Sum.class, "sum over axes",
                        Sample.of(Sum.over(0), Operand.of(7)), Sample.of(Sum.over(-1), Operand.of(13, 1025)), Sample.of(Sum.over(0), Operand.of(207, 33)),
                        Sample.of(Sum.over(0, 1, 2), Operand.of(3, 5, 7, 33)), Sample.of(Sum.over(1, 2), Operand.of(3, 5, 7, 17)),
                        Sample.of(new Sum(List.of(1), true), Operand.of(3, 5, 7)), Sample.of(Sum.over(), Operand.of(3, 5)),
                        Sample.of(Sum.over(0, 1), Operand.of(31, 33)), Sample.of(Sum.over(0), Operand.of(0, 4)), Sample.of(Sum.over(0, 2), Operand.of(3, 4, 5)),
                        Sample.of(Sum.over(0, 1, 2), Operand.of(8, 16, 16, 3)), Sample.of(Sum.over(0), Operand.of(300, 64)), Sample.of(Sum.over(1), Operand.of(2, 40, 264)),
                        Sample.of(Sum.over(), Operand.of(3, 9, 1000)), Sample.of(Sum.over(-1), Operand.of(9, 64)),
                        Sample.of(Sum.over(0, 2), Operand.integers(DType.I32, -9, 9, 3, 4, 5)), Sample.of(Sum.over(1), Operand.integers(DType.I64, -9, 9, 3, 4)))
                        .refuses(Sum.over(0, 0), "axis named twice", TensorType.f32(2, 3))
                        .refuses(Sum.over(2), "axis out of range", TensorType.f32(2, 3)),
                OpRow.of(Amax.class, "largest along an axis", Sample.of(new Amax(-1), Operand.distinct(7, 33)), Sample.of(new Amax(0), Operand.distinct(31, 5)),
                        Sample.of(new Amax(1), Operand.distinct(3, 5, 7)), Sample.of(new Amax(0), Operand.values(1, Double.NaN, 3)),
                        Sample.of(new Amax(-1), Operand.distinct(2, 1500)), Sample.of(new Amax(0), Operand.values(Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY)))
                        .refuses(new Amax(0), "nothing to reduce", TensorType.f32(0, 3)),
                OpRow.of(Argmax.class, "where the largest is", Sample.of(new Argmax(-1), Operand.distinct(7, 33)), Sample.of(new Argmax(0), Operand.distinct(31, 5)),
                        Sample.of(new Argmax(0), Operand.values(1, 3, 3, 2)), Sample.of(new Argmax(-1), Operand.distinct(3, 1100)),
                        Sample.of(new Argmax(0), Operand.values(1, Double.NaN, 3, Double.NaN)), Sample.of(new Argmax(0), Operand.values(-1, -0.0, 0))),
                OpRow.of(TopK.class, "k largest of the last axis", Sample.of(new TopK(5), Operand.distinct(7, 33)), Sample.of(new TopK(1), Operand.distinct(3, 5, 7)),
                        Sample.of(new TopK(3), Operand.distinct(3)), Sample.of(new TopK(5), Operand.distinct(3, 64)),
                        Sample.of(new TopK(4), Operand.values(1, Double.NaN, 3, 3, 2)))
                        .refuses(new TopK(4), "k does not fit", TensorType.f32(2, 3)),
                OpRow.of(Softmax.class, "e^x / sum e^x", Sample.of(new Softmax(), Operand.range(-4, 4, 7, 33)), Sample.of(new Softmax(), Operand.range(-4, 4, 3, 1000)),
                        Sample.of(new Softmax(), Operand.range(-4, 4, 1)), Sample.of(new Softmax(), Operand.values(1000, 999, -1000)),
                        Sample.of(new Softmax(), Operand.range(-4, 4, 2, 3, 5)),
                        Sample.of(new Softmax(), Operand.range(-4, 4, 9, 64)), Sample.of(new Softmax(), Operand.range(-4, 4, 2, 2501)),
                        Sample.of(new Softmax(), Operand.range(-4, 4, 2, 4096)),
                        Sample.of(new Softmax(), Operand.values(Double.NEGATIVE_INFINITY, 0, Double.NEGATIVE_INFINITY, 1)),
                        Sample.of(new Softmax(), Operand.values(1, Double.NaN, 2))),
                OpRow.of(LogSoftmax.class, "x - log sum e^x", Sample.of(new LogSoftmax(), Operand.range(-4, 4, 7, 33)), Sample.of(new LogSoftmax(), Operand.range(-4, 4, 3, 1000)),
                        Sample.of(new LogSoftmax(), Operand.range(-4, 4, 1)), Sample.of(new LogSoftmax(), Operand.values(1000, 999, -1000)),
                        Sample.of(new LogSoftmax(), Operand.range(-4, 4, 2, 2056))));
    }
}
