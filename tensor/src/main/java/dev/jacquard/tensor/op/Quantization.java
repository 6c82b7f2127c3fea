package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.util.List;

/**
 * Fake quantisation: what an integer of few bits would hold, as a floating number. Symmetric, zero point 0. The scale is a scalar (per tensor), or has one element per index
 * of one axis and extent 1 elsewhere (per channel): (C) for activations and (K, 1, 1, 1) for weights.
 */
public sealed interface Quantization extends Op {
    /** Smallest integer. */
    int qmin();

    /** Largest integer. */
    int qmax();

    private static void range(int qmin, int qmax) {
        if (!(qmin <= 0 && qmax > 0)) {
            throw new CallerException("fake_quantize", "range without 0 or without a positive number", qmin + " to " + qmax,
                    "qmin <= 0 < qmax", "use -128 to 127, or -127 to 127 for a narrow range");
        }
    }

    /** Where the scale lies among the operands: after x. */
    private static List<TensorType> infer(Quantization op, List<TensorType> in, int n) {
        Types.count(op, in, n);
        Types.same(op, in);
        Types.floating(op, in);
        TensorType x = in.get(n - 2);
        TensorType scale = in.get(n - 1);
        long longest = 1;
        for (long d : scale.shape().dims()) {
            longest = Math.max(longest, d);
        }
        if (scale.shape().size() != longest || !dev.jacquard.tensor.Shape.broadcast(op.name(), x.shape(), scale.shape()).equals(x.shape())) {
            throw new ShapeException(op.name(), "scale does not fit", scale + " for " + x,
                    "a scalar, or one element per index of one axis and 1 elsewhere", "reshape it, for weights to (K, 1, 1, 1)");
        }
        return List.of(x);
    }

    /**
     * {@code y = clamp(round(x / s), qmin, qmax) s}, rounded half to even, from x and its scale s of the same element type; 0 where s is 0. The gradient is
     * {@link FakeQuantizeBackward}; the scale has none.
     */
    record FakeQuantize(int qmin, int qmax) implements Quantization, Pointwise.Binary, StraightThrough {
        /** Checks the range. @throws CallerException if it is none */
        public FakeQuantize {
            range(qmin, qmax);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return Quantization.infer(this, in, 2);
        }

        @Override
        public double apply(double x, double s) {
            return s == 0 ? 0 : Math.min(Math.max(Math.rint(x / s), qmin), qmax) * s;
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 5 * in.getFirst().shape().size());
        }
    }

    /**
     * Straight through where x is in range, {@code max(qmin, -qmax) <= x / s <= qmax}, which is NVIDIA's |x| <= amax: dy there, else 0; from dy, x and scale. Where s is 0 all is
     * 0.
     */
    record FakeQuantizeBackward(int qmin, int qmax) implements Quantization, Pointwise.Ternary {
        /** Checks the range. @throws CallerException if it is none */
        public FakeQuantizeBackward {
            range(qmin, qmax);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            List<TensorType> out = Quantization.infer(this, in, 3);
            Types.shape(this, "gradient", in.get(0), in.get(1));
            return out;
        }

        @Override
        public double apply(double dy, double x, double s) {
            return s != 0 && x / s >= Math.max(qmin, -qmax) && x / s <= qmax ? dy : 0;
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        FakeQuantize wide = new FakeQuantize(-128, 127);
        FakeQuantize narrow = new FakeQuantize(-7, 7);
        FakeQuantize unsigned = new FakeQuantize(0, 255);
        FakeQuantizeBackward back = new FakeQuantizeBackward(-128, 127);
        FakeQuantizeBackward narrowBack = new FakeQuantizeBackward(-7, 7);
        Operand odd = Operand.values(0, -0.0, 0.25, 0.75, 1.25, -0.25, -0.75, 63.5, 64, -64, 1e5, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN);
        Operand half = new Operand(TensorType.f32(), Operand.Fill.GIVEN, 0, 0, 0.5);
        return List.of(
                OpRow.of(FakeQuantize.class, "clamp(round(x / s), qmin, qmax) s",
                        Sample.of(wide, Operand.range(-8, 8, 7), scale()), Sample.of(wide, odd, half), Sample.of(narrow, Operand.range(-8, 8, 1025), scale()),
                        Sample.of(narrow, Operand.of(9, 3, 3, 5), scale(9, 1, 1, 1)), Sample.of(wide, Operand.of(4, 3, 3, 16), scale(4, 1, 1, 1)),
                        Sample.of(unsigned, Operand.of(2, 5, 7, 33), scale(33)), Sample.of(wide, Operand.of(3, 5, 32), scale(32)),
                        Sample.of(wide, Operand.of(3, 5, 4), scale(1, 5, 1)),
                        Sample.of(wide, Operand.of(), scale()), Sample.of(wide, Operand.of(6), new Operand(TensorType.f32(), Operand.Fill.GIVEN, 0, 0, 0)))
                        .refuses(wide, "scale does not fit", TensorType.f32(3, 4), TensorType.f32(3, 4))
                        .refuses(wide, "scale does not fit", TensorType.f32(1, 4), TensorType.f32(3, 1)),
                OpRow.of(FakeQuantizeBackward.class, "dy where x / s is in range, else 0",
                        Sample.of(back, Operand.of(7), Operand.range(-8, 8, 7), scale()), Sample.of(back, Operand.of(14), odd, half),
                        Sample.of(narrowBack, Operand.of(9, 3, 3, 5), inOrOut(9, 3, 3, 5), scale(9, 1, 1, 1)),
                        Sample.of(narrowBack, Operand.of(4, 3, 3, 16), inOrOut(4, 3, 3, 16), scale(4, 1, 1, 1)),
                        Sample.of(narrowBack, Operand.of(2, 5, 7, 33), inOrOut(2, 5, 7, 33), scale(33)), Sample.of(narrowBack, Operand.of(3, 5, 32), inOrOut(3, 5, 32), scale(32)),
                        Sample.of(narrowBack, Operand.of(1025), inOrOut(1025), scale()))
                        .refuses(back, "gradient has the wrong shape", TensorType.f32(3), TensorType.f32(3, 4), TensorType.f32()));
    }

    private static Operand scale(long... dims) {
        return Operand.range(0.03, 0.06, dims);
    }

    /** Values that are in or out of [-7, 7] scales whatever the scale: at the edge itself the gradient is a step, which finite differences would see. */
    private static Operand inOrOut(long... dims) {
        return new Operand(TensorType.f32(dims), Operand.Fill.GIVEN, 0, 0, -1, -0.7, 0.13, -0.45, -0.19, 0.8, 0.02, -0.1, 0.5, 0.18, 0.6);
    }
}
