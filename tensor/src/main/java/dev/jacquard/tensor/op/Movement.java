package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** Ops that rearrange, join or convert elements without computing. The first four move no bytes at all. */
public sealed interface Movement extends Op {
    @Override
    default Accuracy accuracy(List<TensorType> in) {
        return Accuracy.exact();
    }

    /** The same elements, row-major, under another shape. */
    record Reshape(Shape shape) implements Movement, ViewOp {
        @Override
        public Optional<Layout> view(Layout in) {
            return in.reshape(shape);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** Dimension i of the result is dimension {@code permutation[i]} of the input. */
    record Transpose(List<Integer> permutation) implements Movement, ViewOp {
        /** A transpose by a permutation of the axes. */
        public static Transpose of(int... permutation) {
            return new Transpose(java.util.Arrays.stream(permutation).boxed().toList());
        }

        @Override
        public Optional<Layout> view(Layout in) {
            if (permutation.size() != in.shape().rank() || new TreeSet<>(permutation).size() != permutation.size()) {
                throw new ShapeException(name(), "not a permutation of the axes", permutation + " of " + in.shape(),
                        in.shape().rank() + " different axes", "name every axis once");
            }
            return Optional.of(in.permute(permutation.stream().mapToInt(Integer::intValue).toArray()));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** The part {@code from} (inclusive) to {@code to} (exclusive) of an axis. */
    record Slice(int axis, long from, long to) implements Movement, ViewOp {
        @Override
        public Optional<Layout> view(Layout in) {
            if (from < 0 || to < from || to > in.shape().dim(axis)) {
                throw new ShapeException(name(), "range outside the axis", from + " to " + to + " of axis " + axis + " of " + in.shape(),
                        "0 <= from <= to <= " + in.shape().dim(axis), "check the range");
            }
            return Optional.of(in.slice(axis, from, to));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** Repeated along missing dimensions and those of extent 1. */
    record Broadcast(Shape shape) implements Movement, ViewOp {
        @Override
        public Optional<Layout> view(Layout in) {
            return Optional.of(in.broadcastTo(shape));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** The same values, row-major without gaps; what a plan inserts where a kernel does not read a layout. */
    record Copy() implements Movement {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            return in;
        }
    }

    /** Conversion between element types: to a floating type rounded to nearest even, to an integer truncated and saturated. */
    record Cast(DType to) implements Movement {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            return List.of(in.getFirst().withDType(to));
        }
    }

    /** {@link Cast} of many tensors at once: a training step's weights, cast in one launch. Inputs: one or more; outputs: each of them in the other type. */
    record CastAll(DType to) implements Movement, Composite {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            if (in.isEmpty()) {
                Types.count(this, in, 1);
            }
            return in.stream().map(t -> t.withDType(to)).toList();
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, in.stream().mapToLong(t -> t.shape().size()).sum());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return in.stream().map(t -> t.cast(to)).toList();
        }
    }

    /** Tensors one after the other along an axis. */
    record Concat(int axis) implements Movement {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            if (in.isEmpty()) {
                throw new ShapeException(name(), "nothing to join", "no input", "at least one", "pass a tensor");
            }
            Types.same(this, in);
            TensorType first = in.getFirst();
            long extent = 0;
            for (TensorType t : in) {
                if (t.shape().rank() != first.shape().rank() || !t.shape().without(axis).equals(first.shape().without(axis))) {
                    throw new ShapeException(name(), "shapes differ outside the axis", first + " and " + t, "equal extents but along axis " + axis, "reshape or slice one of them");
                }
                extent += t.shape().dim(axis);
            }
            return List.of(first.withShape(first.shape().with(axis, extent)));
        }
    }

    /** Zeros put before and after along an axis; the gradient of a slice. */
    record Pad(int axis, long before, long after) implements Movement {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            TensorType x = in.getFirst();
            if (before < 0 || after < 0) {
                throw new ShapeException(name(), "negative padding", before + " and " + after, "0 or more", "slice to remove elements");
            }
            return List.of(x.withShape(x.shape().with(axis, x.shape().dim(axis) + before + after)));
        }
    }

    /** 1 at the label's place, 0 elsewhere: I32 labels (..) to F32 (.., classes). A label outside [0, classes) gives a row of zeros. */
    record OneHot(long classes) implements Movement {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            Types.dtype(this, "labels", in.getFirst(), DType.I32);
            long[] d = java.util.Arrays.copyOf(in.getFirst().shape().dims(), in.getFirst().shape().rank() + 1);
            d[d.length - 1] = classes;
            return List.of(TensorType.f32(d));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        Operand odd = Operand.values(0, -0.0, 0.9, -0.9, 127.5, -128.5, 256, 65_520, 3e9, -3e9, 1e19, -1e19, 1e-8, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN);
        return List.of(
                OpRow.of(Reshape.class, "same elements, other shape",
                        Sample.of(new Reshape(Shape.of(6, 4)), Operand.of(2, 3, 4)), Sample.of(new Reshape(Shape.of(24)), Operand.of(2, 3, 4)),
                        Sample.of(new Reshape(Shape.of(2, 1, 3, 4)), Operand.of(2, 3, 4)), Sample.of(new Reshape(Shape.scalar()), Operand.of(1)),
                        Sample.of(new Reshape(Shape.of(0, 5)), Operand.of(0, 4)))
                        .refuses(new Reshape(Shape.of(5)), "element counts differ", TensorType.f32(2, 3)),
                OpRow.of(Transpose.class, "axes reordered",
                        Sample.of(Transpose.of(1, 0), Operand.of(7, 13)), Sample.of(Transpose.of(0, 2, 3, 1), Operand.of(2, 3, 5, 7)),
                        Sample.of(Transpose.of(), Operand.of()))
                        .refuses(Transpose.of(0, 0), "not a permutation", TensorType.f32(2, 3)),
                OpRow.of(Slice.class, "part of an axis",
                        Sample.of(new Slice(0, 1, 3), Operand.of(5, 7)), Sample.of(new Slice(-1, 2, 7), Operand.of(5, 7)),
                        Sample.of(new Slice(1, 3, 3), Operand.of(5, 7, 2)))
                        .refuses(new Slice(0, 3, 9), "range outside", TensorType.f32(4)),
                OpRow.of(Broadcast.class, "repeated",
                        Sample.of(new Broadcast(Shape.of(4, 5, 33)), Operand.of(33)), Sample.of(new Broadcast(Shape.of(4, 5, 3)), Operand.of(4, 1, 3)),
                        Sample.of(new Broadcast(Shape.of(3, 2)), Operand.of()))
                        .refuses(new Broadcast(Shape.of(4)), "target is smaller", TensorType.f32(2, 4)),
                OpRow.of(Copy.class, "same values, contiguous", Sample.of(new Copy(), Operand.of(5, 7)), Sample.of(new Copy(), Operand.of(2, 3, 4, 5)),
                        Sample.of(new Copy(), Operand.labels(9, 33)), Sample.of(new Copy(), Operand.of(0, 2)), Sample.of(new Copy(), Operand.of()),
                        // Large enough for what transposes in tiles, with odd and even sides, one matrix and several
                        Sample.of(new Copy(), Operand.of(35, 67)), Sample.of(new Copy(), Operand.of(66, 34)), Sample.of(new Copy(), Operand.of(35, 3, 33)),
                        Sample.of(new Copy(), Operand.of(34, 3, 66)), Sample.of(new Copy(), Operand.integers(DType.U8, 0, 256, 40, 33)),
                        Sample.of(new Copy(), Operand.integers(DType.I64, -1000, 1000, 9, 34))),
                OpRow.of(Cast.class, "element type converted",
                        Sample.of(new Cast(DType.F16), Operand.range(-300, 300, 1023)), Sample.of(new Cast(DType.BF16), Operand.range(-300, 300, 1023)),
                        Sample.of(new Cast(DType.F64), Operand.of(33)), Sample.of(new Cast(DType.I32), Operand.range(-300, 300, 65)),
                        Sample.of(new Cast(DType.F32), Operand.integers(DType.U8, 0, 256, 3, 5, 5, 3)),
                        Sample.of(new Cast(DType.F32), Operand.integers(DType.I32, -1000, 1000, 65)),
                        Sample.of(new Cast(DType.F32), Operand.integers(DType.I64, -1000, 1000, 65)),
                        Sample.of(new Cast(DType.U8), Operand.range(0, 256, 65)), Sample.of(new Cast(DType.I8), Operand.range(-128, 127, 65)),
                        Sample.of(new Cast(DType.F32), Operand.range(-300, 300, 1023)), Sample.of(new Cast(DType.F16), Operand.integers(DType.U8, 0, 256, 1023)),
                        Sample.of(new Cast(DType.BF16), Operand.integers(DType.U8, 0, 256, 1023)), Sample.of(new Cast(DType.F16), odd), Sample.of(new Cast(DType.BF16), odd),
                        Sample.of(new Cast(DType.I8), odd), Sample.of(new Cast(DType.U8), odd), Sample.of(new Cast(DType.I32), odd), Sample.of(new Cast(DType.I64), odd)),
                OpRow.of(CastAll.class, "element types of many tensors converted",
                        Sample.of(new CastAll(DType.F16), Operand.range(-300, 300, 1023), Operand.of(3, 3), Operand.of(), odd),
                        Sample.of(new CastAll(DType.BF16), odd, Operand.of(5, 1025)), Sample.of(new CastAll(DType.F32), Operand.of(33), Operand.of(4), Operand.of(4097)))
                        .refuses(new CastAll(DType.F16), "wrong number of inputs"),
                OpRow.of(Concat.class, "joined along an axis",
                        Sample.of(new Concat(0), Operand.of(2, 3), Operand.of(4, 3)), Sample.of(new Concat(-1), Operand.of(5, 7), Operand.of(5, 1), Operand.of(5, 33)),
                        Sample.of(new Concat(1), Operand.of(2, 3, 5), Operand.of(2, 0, 5)), Sample.of(new Concat(3), Operand.of(2, 3, 3, 8), Operand.of(2, 3, 3, 4)))
                        .refuses(new Concat(0), "differ outside", TensorType.f32(2, 3), TensorType.f32(2, 4)),
                OpRow.of(Pad.class, "zeros around", Sample.of(new Pad(0, 1, 2), Operand.of(3, 5)), Sample.of(new Pad(-1, 0, 3), Operand.of(3, 5)),
                        Sample.of(new Pad(1, 2, 0), Operand.of(2, 3, 5)),
                        Sample.of(new Pad(1, 1, 2), Operand.of(2, 3, 3, 8))),
                OpRow.of(OneHot.class, "1 at the label", Sample.of(new OneHot(10), Operand.labels(10, 7)), Sample.of(new OneHot(1000), Operand.labels(1000, 33)))
                        .refuses(new OneHot(3), "element type", TensorType.f32(4)));
    }
}
