package dev.jacquard.autograd;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Loss;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Normalization.BatchNormBackward;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Quantization;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Sparse24;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExciteBackward;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * The gradient of every primitive, a row each: for every input a formula in ops, "none", or "not implemented" with the reason. Gradients that
 * come out in a broadcast shape are summed by the walk, not here. Composites without a row are differentiated through their definition; an op from outside
 * says its row by implementing {@link Differentiable}.
 */
public final class Calculus {
    private static final Map<Class<? extends Op>, List<Gradient>> ROWS = new LinkedHashMap<>();
    /** Inputs of a variadic op all follow one rule, which is told the input's number. */
    private static final Map<Class<? extends Op>, BiFunction<Gradient.Application, Integer, Tensor>> VARIADIC = new LinkedHashMap<>();

    private Calculus() {}

    /** An op from outside the engine that brings its own row. */
    public interface Differentiable extends Op {
        /** One entry per input. */
        List<Gradient> gradients();
    }

    static {
        // Pointwise, one operand
        row(Pointwise.Affine.class, f(a -> a.dy().mul(((Pointwise.Affine) a.op()).scale())));
        row(Pointwise.Exp.class, f(a -> a.dy().mul(a.y(0))));
        row(Pointwise.Log.class, f(a -> a.dy().div(a.x(0))));
        row(Pointwise.Sqrt.class, f(a -> a.dy().div(a.y(0)).mul(0.5)));
        row(Pointwise.Rsqrt.class, f(a -> a.dy().mul(a.y(0).mul(a.y(0)).mul(a.y(0))).mul(-0.5)));
        row(Pointwise.Abs.class, f(a -> a.dy().mul(a.x(0).apply(new Pointwise.Sign())))); // 0 at 0
        row(Pointwise.Sign.class, none());
        row(Pointwise.RoundTf32.class, f(Gradient.Application::dy)); // straight through
        row(Pointwise.Relu.class, f(a -> a.dy().apply(new Pointwise.ReluBackward(), a.y(0)))); // 0 at 0
        row(Pointwise.Sigmoid.class, f(a -> a.dy().apply(new Pointwise.SigmoidBackward(), a.y(0))));
        row(Pointwise.Tanh.class, f(a -> a.dy().mul(a.y(0).square().rsub(1))));
        row(Pointwise.Silu.class, f(a -> a.dy().apply(new Pointwise.SiluBackward(), a.x(0))));
        row(Pointwise.Hardswish.class, f(a -> { // 0 up to -3, 1 from 3 on, (2 x + 3) / 6 between
            Tensor x = a.x(0);
            Tensor rising = x.greater(constant(x, -3)).apply(new Pointwise.Select(), x.apply(new Pointwise.Affine(1 / 3.0, 0.5)), constant(x, 0));
            return a.dy().mul(x.greater(constant(x, 3)).apply(new Pointwise.Select(), constant(x, 1), rising));
        }));

        // Pointwise, more operands
        row(Pointwise.Add.class, f(Gradient.Application::dy), f(Gradient.Application::dy));
        row(Pointwise.Sub.class, f(Gradient.Application::dy), f(a -> a.dy().neg()));
        row(Pointwise.Mul.class, f(a -> a.dy().mul(a.x(1))), f(a -> a.dy().mul(a.x(0))));
        row(Pointwise.Div.class, f(a -> a.dy().div(a.x(1))), f(a -> a.dy().mul(a.y(0)).div(a.x(1)).neg()));
        // Of equals the second operand takes all
        row(Pointwise.Max.class, f(a -> a.dy().mul(a.x(0).greater(a.x(1)))), f(a -> a.dy().mul(a.x(0).greater(a.x(1)).rsub(1))));
        row(Pointwise.Min.class, f(a -> a.dy().mul(a.x(1).greater(a.x(0)))), f(a -> a.dy().mul(a.x(1).greater(a.x(0)).rsub(1))));
        row(Pointwise.Greater.class, none(), none());
        row(Pointwise.Equal.class, none(), none());
        row(Pointwise.ReluBackward.class, f(a -> a.dy().apply(new Pointwise.ReluBackward(), a.x(1))), none());
        row(Pointwise.MulAdd.class, f(a -> a.dy().mul(a.x(1))), f(a -> a.dy().mul(a.x(0))), f(Gradient.Application::dy));
        row(Pointwise.Select.class, none(), f(a -> a.x(0).apply(new Pointwise.Select(), a.dy(), constant(a.dy(), 0))),
                f(a -> a.x(0).apply(new Pointwise.Select(), constant(a.dy(), 0), a.dy())));

        // Movement
        row(Movement.Reshape.class, f(a -> a.dy().reshape(a.x(0).shape().dims())));
        row(Movement.Transpose.class, f(a -> a.dy().transpose(inverse(((Movement.Transpose) a.op()).permutation()))));
        row(Movement.Slice.class, f(a -> {
            Movement.Slice s = (Movement.Slice) a.op();
            return a.dy().apply(new Movement.Pad(s.axis(), s.from(), a.x(0).shape().dim(s.axis()) - s.to()));
        }));
        row(Movement.Pad.class, f(a -> {
            Movement.Pad p = (Movement.Pad) a.op();
            return a.dy().slice(p.axis(), p.before(), p.before() + a.x(0).shape().dim(p.axis()));
        }));
        row(Movement.Broadcast.class, f(Gradient.Application::dy));
        row(Movement.Copy.class, f(Gradient.Application::dy));
        row(Movement.Cast.class, f(a -> a.x(0).dtype().isFloating() && a.dy().dtype().isFloating() ? a.dy().cast(a.x(0).dtype()) : null));
        row(Movement.OneHot.class, none());
        VARIADIC.put(Movement.Concat.class, (a, i) -> {
            int axis = ((Movement.Concat) a.op()).axis();
            long from = a.inputs().subList(0, i).stream().mapToLong(t -> t.shape().dim(axis)).sum();
            return a.dy().slice(axis, from, from + a.x(i).shape().dim(axis));
        });

        // Reduction
        row(Reduction.Sum.class, f(a -> {
            long[] kept = a.x(0).shape().dims();
            ((Reduction.Sum) a.op()).axes().forEach(axis -> kept[a.x(0).shape().axis(axis)] = 1);
            return a.dy().reshape(kept).broadcastTo(a.x(0).shape());
        }));
        row(Reduction.Amax.class, f(a -> { // equals share the gradient as a whole each: ties are where the maximum has no derivative
            long[] kept = a.x(0).shape().with(((Reduction.Amax) a.op()).axis(), 1).dims();
            return a.x(0).apply(new Pointwise.Equal(), a.y(0).reshape(kept)).mul(a.dy().reshape(kept));
        }));
        row(Reduction.Argmax.class, none());
        row(Reduction.TopK.class, notImplemented("top-k is for metrics; nobody needed its gradient"));
        row(Reduction.Softmax.class, f(a -> a.y(0).mul(a.dy().sub(lastAxisSum(a.dy().mul(a.y(0)))))));
        row(Reduction.LogSoftmax.class, f(a -> a.dy().sub(a.y(0).exp().mul(lastAxisSum(a.dy())))));

        // Products
        row(MatMul.class, f(a -> {
            MatMul m = (MatMul) a.op();
            return m.transposeA() ? a.x(1).apply(new MatMul(m.transposeB(), true), a.dy()) : a.dy().apply(new MatMul(false, !m.transposeB()), a.x(1));
        }), f(a -> {
            MatMul m = (MatMul) a.op();
            return m.transposeB() ? a.dy().apply(new MatMul(true, m.transposeA()), a.x(0)) : a.x(0).apply(new MatMul(!m.transposeA(), false), a.dy());
        }));
        row(Conv2d.class, f(a -> dataGradient((Conv2d) a.op(), a.dy(), a.x(1), a.x(0))), f(a -> weightGradient((Conv2d) a.op(), a.x(0), a.dy(), a.x(1))));
        row(Conv2dBackwardData.class, f(a -> forward(a, a.dy(), a.x(1))), f(a -> {
            Conv2dBackwardData c = (Conv2dBackwardData) a.op();
            return weightGradient(new Conv2d(c.window(), c.groups()), a.dy(), a.x(0), a.x(1));
        }));
        row(Conv2dBackwardWeight.class, f(a -> {
            Conv2dBackwardWeight c = (Conv2dBackwardWeight) a.op();
            return dataGradient(new Conv2d(c.window(), c.groups()), a.x(1), a.dy(), a.x(0));
        }), f(a -> forward(a, a.x(0), a.dy())));

        // Pooling
        row(Pooling.MaxPool2d.class, f(a -> {
            Pooling.MaxPool2d p = (Pooling.MaxPool2d) a.op();
            return a.dy().apply(new Pooling.MaxPool2dBackward(p.r(), p.s(), p.window(), a.x(0).shape().dim(1), a.x(0).shape().dim(2)), a.y(1));
        }));
        row(Pooling.MaxPool2dBackward.class, f(a -> {
            Pooling.MaxPool2dBackward p = (Pooling.MaxPool2dBackward) a.op();
            return a.dy().apply(new Pooling.MaxPool2dGather(p.r(), p.s(), p.window()), a.x(1));
        }), none());
        row(Pooling.MaxPool2dGather.class, f(a -> {
            Pooling.MaxPool2dGather p = (Pooling.MaxPool2dGather) a.op();
            return a.dy().apply(new Pooling.MaxPool2dBackward(p.r(), p.s(), p.window(), a.x(0).shape().dim(1), a.x(0).shape().dim(2)), a.x(1));
        }), none());
        row(Pooling.AvgPool2d.class, f(a -> {
            Pooling.AvgPool2d p = (Pooling.AvgPool2d) a.op();
            return a.dy().apply(new Pooling.AvgPool2dBackward(p.r(), p.s(), p.window(), p.countPadding(), a.x(0).shape().dim(1), a.x(0).shape().dim(2)));
        }));
        row(Pooling.AvgPool2dBackward.class, f(a -> {
            Pooling.AvgPool2dBackward p = (Pooling.AvgPool2dBackward) a.op();
            return a.dy().apply(new Pooling.AvgPool2d(p.r(), p.s(), p.window(), p.countPadding()));
        }));

        // Normalisation: one backward op makes the three gradients; the walk asks once per input and the context's op is applied once
        row(BatchNorm.class, f(a -> batchNorm(a).get(0)), f(a -> batchNorm(a).get(1)), f(a -> batchNorm(a).get(2)));
        VARIADIC.put(BatchNormActivation.class, (a, i) -> fusedBatchNorm(a).get(i));
        row(SqueezeExcite.class, f(a -> squeezeExcite(a).get(0)), f(a -> squeezeExcite(a).get(1)), f(a -> squeezeExcite(a).get(2)), f(a -> squeezeExcite(a).get(3)),
                f(a -> squeezeExcite(a).get(4)));

        // Losses
        row(Loss.CrossEntropy.class, f(a -> a.dy().apply(new Loss.CrossEntropyBackward(((Loss.CrossEntropy) a.op()).smoothing()), a.x(0), a.x(1))), none());
        row(Loss.MixedCrossEntropy.class, f(a -> a.dy().apply(new Loss.MixedCrossEntropyBackward(((Loss.MixedCrossEntropy) a.op()).smoothing()), a.x(0), a.x(1), a.x(2), a.x(3))),
                none(), none(), notImplemented("weights are drawn, not learnt"));
        row(Loss.SoftCrossEntropy.class, f(a -> a.dy().apply(new Loss.SoftCrossEntropyBackward(), a.x(0), a.x(1))),
                f(a -> a.x(0).logSoftmax().mul(a.dy().mul(-1.0 / Math.max(a.x(0).shape().dim(0), 1)))));

        // Random
        row(Random.Uniform.class, none());
        row(Random.Dropout.class, f(a -> a.dy().apply(a.op(), a.x(1))), none()); // the same numbers, drawn again

        // Quantisation, straight through: the scale is not learned
        row(Quantization.FakeQuantize.class, f(a -> {
            Quantization.FakeQuantize q = (Quantization.FakeQuantize) a.op();
            return a.dy().apply(new Quantization.FakeQuantizeBackward(q.qmin(), q.qmax()), a.x(0), a.x(1));
        }), none());
        row(Quantization.FakeQuantizeBackward.class, f(a -> a.dy().apply(a.op(), a.x(1), a.x(2))), none(), none());

        // 2:4 sparsity
        row(Sparse24.Compress24.class, f(a -> a.dy().apply(new Sparse24.Expand24(), a.y(1)))); // of the values; the metadata has none
        row(Sparse24.Expand24.class, notImplemented("compressed weights are for inference; train dense ones under the mask"), none());

        // Images
        row(Images.Crop.class, none(), none());
    }

    private static void row(Class<? extends Op> op, Gradient... inputs) {
        if (ROWS.put(op, List.of(inputs)) != null) {
            throw new IllegalStateException("two rows for " + op);
        }
    }

    private static Gradient f(Gradient.Rule rule) {
        return new Gradient.Formula(rule);
    }

    private static Gradient none() {
        return new Gradient.None();
    }

    private static Gradient notImplemented(String why) {
        return new Gradient.NotImplemented(why);
    }

    /** The rows of an op with a number of inputs; empty if there is none. */
    static Optional<List<Gradient>> of(Op op, int inputs) {
        if (op instanceof Differentiable d) {
            return Optional.of(d.gradients());
        }
        BiFunction<Gradient.Application, Integer, Tensor> variadic = VARIADIC.get(op.getClass());
        if (variadic != null) {
            List<Gradient> all = new ArrayList<>();
            for (int i = 0; i < inputs; i++) {
                int n = i;
                all.add(f(a -> variadic.apply(a, n)));
            }
            return Optional.of(all);
        }
        return Optional.ofNullable(ROWS.get(op.getClass()));
    }

    /** Whether an op has a row; for the test that every op of the table has one, or a definition. */
    public static boolean covers(Class<? extends Op> op) {
        return ROWS.containsKey(op) || VARIADIC.containsKey(op);
    }

    private static Tensor constant(Tensor like, double value) {
        return like.context().fill(like.type().withShape(dev.jacquard.tensor.Shape.scalar()), value);
    }

    private static Tensor lastAxisSum(Tensor t) {
        return t.apply(new Reduction.Sum(List.of(t.shape().rank() - 1), true));
    }

    private static int[] inverse(List<Integer> permutation) {
        int[] inverse = new int[permutation.size()];
        for (int i = 0; i < inverse.length; i++) {
            inverse[permutation.get(i)] = i;
        }
        return inverse;
    }

    private static Tensor forward(Gradient.Application a, Tensor x, Tensor w) {
        dev.jacquard.tensor.op.Convolution c = (dev.jacquard.tensor.op.Convolution) a.op();
        return x.conv2d(w, c.window(), c.groups());
    }

    private static Tensor dataGradient(Conv2d c, Tensor dy, Tensor w, Tensor x) {
        return dy.apply(new Conv2dBackwardData(c.window(), c.groups(), x.shape().dim(1), x.shape().dim(2)), w);
    }

    private static Tensor weightGradient(Conv2d c, Tensor x, Tensor dy, Tensor w) {
        return x.apply(new Conv2dBackwardWeight(c.window(), c.groups(), w.shape().dim(1), w.shape().dim(2)), dy);
    }

    /** dx, dgamma, dbeta; kept in the application so that three questions make one op. */
    private static List<Tensor> batchNorm(Gradient.Application a) {
        BatchNorm b = (BatchNorm) a.op();
        return a.once(() -> a.dy().applyAll(new BatchNormBackward(b.eps()), a.x(0), a.x(1), a.y(1), a.y(2)));
    }

    /** dx, dgamma, dbeta and, if there is one, the residual's. */
    private static List<Tensor> fusedBatchNorm(Gradient.Application a) {
        BatchNormActivation b = (BatchNormActivation) a.op();
        List<Tensor> in = new ArrayList<>(List.of(a.x(0), a.x(1), a.x(2), a.y(1), a.y(2)));
        in.addAll(a.inputs().subList(3, a.inputs().size()));
        return a.once(() -> a.dy().applyAll(new BatchNormActivationBackward(b.eps(), b.activation(), b.residual()), in.toArray(Tensor[]::new)));
    }

    /** dx, dw1, db1, dw2, db2. */
    private static List<Tensor> squeezeExcite(Gradient.Application a) {
        SqueezeExcite s = (SqueezeExcite) a.op();
        return a.once(() -> a.dy().applyAll(new SqueezeExciteBackward(s.activation()), a.x(0), a.x(1), a.x(3), a.y(1), a.y(2), a.y(3)));
    }

    /** The table as text, for documentation: op and what is said of its inputs. */
    public static Map<String, String> summary() {
        Map<String, String> rows = new LinkedHashMap<>();
        ROWS.forEach((op, gradients) -> rows.put(op.getSimpleName(), Arrays.toString(gradients.stream().map(g -> switch (g) {
            case Gradient.Formula _ -> "formula";
            case Gradient.None _ -> "none";
            case Gradient.NotImplemented n -> "not implemented: " + n.why();
        }).toArray())));
        VARIADIC.keySet().forEach(op -> rows.put(op.getSimpleName(), "[formula...]"));
        return rows;
    }
}
