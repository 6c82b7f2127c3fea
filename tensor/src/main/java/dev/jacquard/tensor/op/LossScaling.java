package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * Loss scaling as part of the step (Micikevicius et al. 2018, arXiv:1710.03740): gradients of a scaled loss are unscaled and looked at, the scale follows, and
 * the flag makes updates skip ({@link Update.ExtendedUpdate}). All of it stays on the device.
 */
public sealed interface LossScaling extends Composite {
    /** A flag or a counter. */
    private static void integer(LossScaling op, String what, TensorType t) {
        Types.rank(op, what, t, 0, "a scalar");
        Types.dtype(op, what, t, DType.I32);
    }

    /** At least one operand, all of them floating. */
    private static void gradients(LossScaling op, List<TensorType> in) {
        if (in.isEmpty()) {
            Types.count(op, in, 1);
        }
        Types.floating(op, in);
    }

    /** A flag, I32 (), 1 if any element is infinite or NaN. */
    private static Tensor flag(List<Tensor> gradients, DType wide) {
        Tensor zero = gradients.getFirst().context().fill(TensorType.of(wide), 0);
        Tensor bad = zero;
        for (Tensor g : gradients) {
            bad = bad.add(finite(g.cast(wide), zero).rsub(1).sum());
        }
        return bad.greater(zero).cast(DType.I32);
    }

    /**
     * Gradients divided by the scale. Inputs: the scale, an F32 scalar, and one or more gradients of F32 or half precision, which may be mixed; outputs: a flag, I32 (): 1 if any
     * element of any gradient is infinite or NaN, else 0; and {@code g * (1 / scale)} for each, F32. (Or F64 in place of F32, where gradients are checked.)
     */
    record Unscale() implements LossScaling {
        /** The scale. */
        @Override
        public boolean wide(int input) {
            return input == 0;
        }

        /** The gradients. */
        @Override
        public boolean narrow(int input) {
            return input > 0;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            if (in.size() < 2) {
                Types.count(this, in, 2);
            }
            Types.floating(this, in);
            TensorType scale = in.getFirst();
            Types.rank(this, "scale", scale, 0, "a scalar");
            Types.dtype(this, "scale", scale, scale.dtype().wide());
            List<TensorType> out = new ArrayList<>(List.of(TensorType.of(DType.I32)));
            for (TensorType g : in.subList(1, in.size())) {
                Types.narrower(this, "gradient", g, scale.dtype());
                out.add(g.withDType(scale.dtype()));
            }
            return List.copyOf(out);
        }

        @Override
        public int overwrites(int output) {
            return output; // the flag's counterpart is the scale, which has another type
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, in.stream().mapToLong(t -> 2 * t.shape().size()).sum());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor scale = in.getFirst();
            List<Tensor> gradients = in.subList(1, in.size());
            Tensor inverse = scale.context().fill(scale.type(), 1).div(scale);
            List<Tensor> out = new ArrayList<>(List.of(flag(gradients, scale.dtype())));
            gradients.forEach(g -> out.add(g.cast(scale.dtype()).mul(inverse)));
            return List.copyOf(out);
        }
    }

    /**
     * Whether any gradient is bad, of steps whose gradients are added up before they are unscaled: a sum of infinities of both signs may be anything. Inputs: one or more of any
     * floating types; output: a flag, I32 (): 1 if any element is infinite or NaN, else 0.
     */
    record NotFinite() implements LossScaling {
        /** All of them. */
        @Override
        public boolean narrow(int input) {
            return true;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            gradients(this, in);
            return List.of(TensorType.of(DType.I32));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, in.stream().mapToLong(t -> t.shape().size()).sum());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(flag(in, in.stream().anyMatch(t -> t.dtype() == DType.F64) ? DType.F64 : DType.F32));
        }
    }

    /** 1 where a number is finite, else 0: infinity minus itself is NaN, which equals nothing. */
    private static Tensor finite(Tensor x, Tensor zero) {
        return x.sub(x).apply(new Pointwise.Equal(), zero);
    }

    /**
     * The scale after a step. Inputs: scale, an F32 scalar; streak, I32 (), the number of good steps in a row, or, negative, of bad ones; overflow, I32 (), not 0
     * for a bad step. Outputs: the new scale and streak. After {@code interval} good steps in a row the scale is multiplied by {@code growth}, unless that
     * is infinite; after {@code patience} bad ones in a row by {@code backoff}, but not below {@code minimum}; either way the streak begins anew. PyTorch's scaler is (2, 2000,
     * 0.5, 1, 0), Keras's (2, 2000, 0.5, 1, 1), Paddle's (2, 1000, 0.8, 2, 1).
     *
     * @param growth what the scale is multiplied by
     * @param interval after as many good steps in a row
     * @param backoff what it is multiplied by
     * @param patience after as many bad steps in a row
     * @param minimum what it does not shrink below; 0 for no such bound
     */
    record UpdateScale(double growth, int interval, double backoff, int patience, double minimum) implements LossScaling {
        /** Checks the attributes. @throws CallerException if they make no sense */
        public UpdateScale {
            boolean counts = interval > 0 && interval < 1 << 24 && patience > 0 && patience < 1 << 24;
            boolean factors = growth >= 1 && growth < Double.POSITIVE_INFINITY && backoff > 0 && backoff <= 1 && minimum >= 0 && minimum <= Float.MAX_VALUE;
            if (!counts || !factors) {
                throw new CallerException("update_scale", "rule out of range",
                        "growth %s every %d, backoff %s after %d, at least %s".formatted(growth, interval, backoff, patience, minimum),
                        "growth of 1 or more, backoff in (0, 1], counts from 1 to 2^24 - 1, a minimum of 0 or more", "2 every 2000 and 0.5 after 1 are usual");
            }
        }

        /** A scale that may shrink without bound. */
        public UpdateScale(double growth, int interval, double backoff, int patience) {
            this(growth, interval, backoff, patience, 0);
        }

        /** The scale. */
        @Override
        public boolean wide(int input) {
            return input == 0;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 3);
            Types.floating(this, in.subList(0, 1));
            Types.rank(this, "scale", in.get(0), 0, "a scalar");
            Types.dtype(this, "scale", in.get(0), in.get(0).dtype().wide());
            integer(this, "streak", in.get(1));
            integer(this, "overflow flag", in.get(2));
            return in.subList(0, 2);
        }

        @Override
        public int overwrites(int output) {
            return output;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor scale = in.get(0);
            Pointwise.Select select = new Pointwise.Select();
            Tensor zero = scale.context().fill(TensorType.f32(), 0);
            Tensor streak = in.get(1).cast(DType.F32); // exact up to 2^24
            Tensor good = zero.greater(streak).apply(select, zero.add(1), streak.add(1));
            Tensor bad = streak.greater(zero).apply(select, zero.add(-1), streak.add(-1));
            Tensor next = in.get(2).cast(DType.F32).apply(select, bad, good);
            Tensor grow = next.greater(zero.add(interval - 0.5));
            Tensor shrink = zero.add(0.5 - patience).greater(next);
            Tensor larger = scale.mul(growth);
            Tensor grown = finite(larger, scale.context().fill(scale.type(), 0)).apply(select, larger, scale);
            Tensor smaller = scale.mul(backoff).apply(new Pointwise.Max(), scale.context().fill(scale.type(), minimum));
            Tensor scaled = grow.cast(scale.dtype()).apply(select, grown, shrink.cast(scale.dtype()).apply(select, smaller, scale));
            return List.of(scaled, grow.add(shrink).apply(select, zero, next).cast(DType.I32));
        }
    }

    /** Counts the steps that were not skipped: count I32 () and flag I32 () to {@code count + (flag == 0)}. Exact below 2^24. */
    record CountSteps() implements LossScaling {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            integer(this, "count", in.get(0));
            integer(this, "skip flag", in.get(1));
            return in.subList(0, 1);
        }

        @Override
        public int overwrites(int output) {
            return 0;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor count = in.get(0).cast(DType.F32);
            return List.of(in.get(1).cast(DType.F32).apply(new Pointwise.Select(), count, count.add(1)).cast(DType.I32));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        UpdateScale torch = new UpdateScale(2, 4, 0.5, 1);
        UpdateScale paddle = new UpdateScale(2, 4, 0.75, 2);
        Operand scale = Operand.range(1, 1024);
        Operand odd = Operand.values(0, -0.0, 1, -2, Double.POSITIVE_INFINITY, 3);
        Operand worse = Operand.values(4, Double.NaN, 5);
        return List.of(
                OpRow.of(Unscale.class, "gradients by 1 / scale, and whether any is not finite",
                        Sample.of(new Unscale(), scale, Operand.of(7)), Sample.of(new Unscale(), scale, Operand.of(33, 3, 3, 5), Operand.of(), Operand.of(1023)),
                        Sample.of(new Unscale(), scale, Operand.of(9), odd), Sample.of(new Unscale(), scale, worse, Operand.of(1025)),
                        Sample.of(new Unscale(), scale, Operand.of(3), Operand.of(5, 8), Operand.of(), Operand.of(16)),
                        Sample.of(new Unscale(), scale, half(DType.F16, 43), odd, half(DType.BF16, 2, 9), half(DType.F16)))
                        .refuses(new Unscale(), "wrong number of inputs", TensorType.f32())
                        .refuses(new Unscale(), "scale has the wrong rank", TensorType.f32(3), TensorType.f32(3))
                        .refuses(new Unscale(), "scale has the wrong element type", TensorType.of(DType.F16), TensorType.of(DType.F16, 3)),
                OpRow.of(NotFinite.class, "whether any number is not finite",
                        Sample.of(new NotFinite(), Operand.of(7)), Sample.of(new NotFinite(), Operand.of(33, 3, 3, 5), Operand.of(), Operand.of(1023)),
                        Sample.of(new NotFinite(), Operand.of(9), odd), Sample.of(new NotFinite(), worse, Operand.of(1025)),
                        Sample.of(new NotFinite(), half(DType.F16, 43), odd, half(DType.BF16, 2, 9)),
                        Sample.of(new NotFinite(), half(DType.F16, 43), Operand.of(4), half(DType.BF16, 5)))
                        .refuses(new NotFinite(), "wrong number of inputs"),
                OpRow.of(UpdateScale.class, "the loss scale after a step",
                        step(torch, 0, 0), step(torch, 3, 0), step(torch, 2, 1), step(torch, -5, 0), step(paddle, 2, 1), step(paddle, -1, 1), step(paddle, -1, 0),
                        step(paddle, 3, 0), step(new UpdateScale(2, 4, 0.5, 1, 2048), 0, 1), step(new UpdateScale(2, 4, 0.5, 1, 0.5), 0, 1))
                        .refuses(torch, "streak has the wrong element type", TensorType.f32(), TensorType.f32(), TensorType.f32()),
                OpRow.of(CountSteps.class, "count of steps that were not skipped", Sample.of(new CountSteps(), i32(41), i32(0)), Sample.of(new CountSteps(), i32(41), i32(1))));
    }

    private static Operand i32(int value) {
        return new Operand(TensorType.of(DType.I32), Operand.Fill.GIVEN, 0, 0, value);
    }

    private static Operand half(DType type, long... dims) {
        return Operand.of(dims).withDType(type);
    }

    private static Sample step(UpdateScale op, int streak, int overflow) {
        return Sample.of(op, Operand.range(1, 1024), i32(streak), i32(overflow));
    }
}
