package dev.jacquard.tensor;

import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Window;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A value of the engine: real, when its context executes, or a node's output in a graph, when its context records. Immutable.
 * Methods apply ops in the tensor's context; an op without a method here is applied with {@link #apply}.
 */
public abstract class Tensor {
    /** Made by contexts. */
    protected Tensor() {}

    /** Element type and shape. */
    public abstract TensorType type();

    /** Where this tensor lives and its ops go. */
    public abstract Context context();

    /** What made this tensor; empty for values from outside, and for eager tensors of a scope that does not keep origins. */
    public abstract Optional<Origin> origin();

    /**
     * The application that made a tensor.
     *
     * @param index position in the context's order of applications
     * @param op the op
     * @param inputs its inputs
     * @param outputs all its outputs
     */
    public record Origin(int index, Op op, List<Tensor> inputs, List<Tensor> outputs) {}

    /** Element type. */
    public final DType dtype() {
        return type().dtype();
    }

    /** Extents. */
    public final Shape shape() {
        return type().shape();
    }

    /** Applies an op of one output to this tensor and others. */
    public final Tensor apply(Op op, Tensor... others) {
        return applyAll(op, others).getFirst();
    }

    /** Applies an op to this tensor and others; all its outputs. */
    public final List<Tensor> applyAll(Op op, Tensor... others) {
        Tensor[] in = new Tensor[others.length + 1];
        in[0] = this;
        System.arraycopy(others, 0, in, 1, others.length);
        return context().apply(op, Arrays.asList(in));
    }

    /** Element-wise sum. */
    public final Tensor add(Tensor other) {
        return apply(new Pointwise.Add(), other);
    }

    /** Element-wise difference. */
    public final Tensor sub(Tensor other) {
        return apply(new Pointwise.Sub(), other);
    }

    /** Element-wise product. */
    public final Tensor mul(Tensor other) {
        return apply(new Pointwise.Mul(), other);
    }

    /** Element-wise quotient. */
    public final Tensor div(Tensor other) {
        return apply(new Pointwise.Div(), other);
    }

    /** This plus a constant. */
    public final Tensor add(double constant) {
        return apply(new Pointwise.Affine(1, constant));
    }

    /** This times a constant. */
    public final Tensor mul(double constant) {
        return apply(new Pointwise.Affine(constant, 0));
    }

    /** A constant minus this. */
    public final Tensor rsub(double constant) {
        return apply(new Pointwise.Affine(-1, constant));
    }

    /** The negative. */
    public final Tensor neg() {
        return mul(-1);
    }

    /** The square of each element. */
    public final Tensor square() {
        return mul(this);
    }

    /** {@code e} to the power of each element. */
    public final Tensor exp() {
        return apply(new Pointwise.Exp());
    }

    /** Natural logarithm. */
    public final Tensor log() {
        return apply(new Pointwise.Log());
    }

    /** Square root; NaN below 0. */
    public final Tensor sqrt() {
        return apply(new Pointwise.Sqrt());
    }

    /** {@code 1 / sqrt(this)}. */
    public final Tensor rsqrt() {
        return apply(new Pointwise.Rsqrt());
    }

    /** Absolute value. */
    public final Tensor abs() {
        return apply(new Pointwise.Abs());
    }

    /** {@code max(this, 0)}. */
    public final Tensor relu() {
        return apply(new Pointwise.Relu());
    }

    /** {@code 1 / (1 + e^-this)}. */
    public final Tensor sigmoid() {
        return apply(new Pointwise.Sigmoid());
    }

    /** Hyperbolic tangent. */
    public final Tensor tanh() {
        return apply(new Pointwise.Tanh());
    }

    /** {@code this * sigmoid(this)}, also called swish. */
    public final Tensor silu() {
        return apply(new Pointwise.Silu());
    }

    /** 1 where this is larger, else 0. */
    public final Tensor greater(Tensor other) {
        return apply(new Pointwise.Greater(), other);
    }

    /** {@code this * scale + shift}, broadcasting. */
    public final Tensor mulAdd(Tensor scale, Tensor shift) {
        return apply(new Pointwise.MulAdd(), scale, shift);
    }

    /** Sum over the given axes, which are removed; over all of them if none is given. */
    public final Tensor sum(int... axes) {
        return apply(Reduction.Sum.over(axes.length == 0 ? IntStream.range(0, shape().rank()).toArray() : axes));
    }

    /** Mean over the given axes, which are removed; over all of them if none is given. */
    public final Tensor mean(int... axes) {
        Tensor s = sum(axes);
        return s.mul((double) Math.max(s.shape().size(), 1) / Math.max(shape().size(), 1));
    }

    /** Softmax along the last axis. */
    public final Tensor softmax() {
        return apply(new Reduction.Softmax());
    }

    /** Logarithm of the softmax along the last axis. */
    public final Tensor logSoftmax() {
        return apply(new Reduction.LogSoftmax());
    }

    /** Index of the largest along an axis. */
    public final Tensor argmax(int axis) {
        return apply(new Reduction.Argmax(axis));
    }

    /** The k largest along the last axis: values and indices. */
    public final List<Tensor> topK(int k) {
        return applyAll(new Reduction.TopK(k));
    }

    /** Matrix product: (.., K) x (K, N); leading dimensions of this tensor are carried along. */
    public final Tensor matmul(Tensor other) {
        return matmul(other, false);
    }

    /** Matrix product with the other operand transposed on request: (.., K) x (N, K)^T, as a linear layer has it. */
    public final Tensor matmul(Tensor other, boolean transposeOther) {
        MatMul op = new MatMul(false, transposeOther);
        if (shape().rank() <= 2) {
            return apply(op, other);
        }
        Tensor flat = reshape(shape().size() / shape().dim(-1), shape().dim(-1)).apply(op, other);
        return flat.reshape(shape().with(-1, flat.shape().dim(1)).dims());
    }

    /** 2-D convolution of NHWC images with weights (K, R, S, C/groups). */
    public final Tensor conv2d(Tensor weight, Window window, int groups) {
        return apply(new Convolution.Conv2d(window, groups), weight);
    }

    /** Largest of each r x s window of NHWC images. */
    public final Tensor maxPool2d(int r, int s, Window window) {
        return applyAll(new Pooling.MaxPool2d(r, s, window)).getFirst();
    }

    /** Mean of each r x s window of NHWC images; padding is counted as zeros. */
    public final Tensor avgPool2d(int r, int s, Window window) {
        return apply(new Pooling.AvgPool2d(r, s, window, true));
    }

    /** Mean over height and width: (N, H, W, C) to (N, C). */
    public final Tensor globalAvgPool2d() {
        return mean(1, 2);
    }

    /** The same elements under another shape; one extent may be -1 and is found out. */
    public final Tensor reshape(long... dims) {
        long[] d = dims.clone();
        for (int i = 0; i < d.length; i++) {
            if (d[i] == -1) {
                d[i] = 1;
                long known = Shape.of(d).size();
                d[i] = known == 0 ? 0 : shape().size() / known;
            }
        }
        Shape target = Shape.of(d);
        return target.equals(shape()) ? this : apply(new Movement.Reshape(target));
    }

    /** Axes reordered. */
    public final Tensor transpose(int... permutation) {
        return apply(Movement.Transpose.of(permutation));
    }

    /** Part of an axis. */
    public final Tensor slice(int axis, long from, long to) {
        return apply(new Movement.Slice(axis, from, to));
    }

    /** Repeated to a larger shape. */
    public final Tensor broadcastTo(Shape shape) {
        return shape.equals(shape()) ? this : apply(new Movement.Broadcast(shape));
    }

    /** Joined with others along an axis. */
    public final Tensor concat(int axis, Tensor... others) {
        return apply(new Movement.Concat(axis), others);
    }

    /** Converted to another element type. */
    public final Tensor cast(DType to) {
        return to == dtype() ? this : apply(new Movement.Cast(to));
    }

    /** Labels to rows with a 1 at the label's place. */
    public final Tensor oneHot(long classes) {
        return apply(new Movement.OneHot(classes));
    }

    @Override
    public String toString() {
        return type().toString();
    }
}
