package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.random.Philox;
import java.util.Arrays;

/**
 * One input of a {@link Sample}: a type and how to fill it. F32 here means "the floating type under test".
 *
 * @param type element type and shape
 * @param fill how values are made
 * @param lo lower bound, or the first given value's weight; see {@link Fill}
 * @param hi upper bound (exclusive)
 * @param given explicit values for {@link Fill#GIVEN}, repeated as needed; do not modify
 */
public record Operand(TensorType type, Fill fill, double lo, double hi, double... given) {
    /** Ways of filling. */
    public enum Fill {
        /** Uniform in [lo, hi). */
        UNIFORM,
        /** Uniform in [lo, hi), but no closer to 0 than 0.1: away from kinks such as ReLU's. */
        AWAY_FROM_ZERO,
        /** A random permutation of equally spaced values in [lo, hi): no ties, no near-ties. */
        DISTINCT,
        /** Integers from lo (inclusive) to hi (exclusive). */
        INTEGER,
        /** The given values in turn. */
        GIVEN
    }

    /** Floating, uniform in [-1, 1). */
    public static Operand of(long... dims) {
        return range(-1, 1, dims);
    }

    /** Floating, uniform in [lo, hi). */
    public static Operand range(double lo, double hi, long... dims) {
        return new Operand(TensorType.f32(dims), Fill.UNIFORM, lo, hi);
    }

    /** Floating, in [-1, 1) but away from 0. */
    public static Operand kinked(long... dims) {
        return new Operand(TensorType.f32(dims), Fill.AWAY_FROM_ZERO, -1, 1);
    }

    /** Floating, a permutation of equally spaced values in [-1, 1). */
    public static Operand distinct(long... dims) {
        return new Operand(TensorType.f32(dims), Fill.DISTINCT, -1, 1);
    }

    /** I32 class labels or indices in [0, n). */
    public static Operand labels(long n, long... dims) {
        return new Operand(TensorType.of(DType.I32, dims), Fill.INTEGER, 0, n);
    }

    /** Integers of a type in [lo, hi). */
    public static Operand integers(DType dtype, long lo, long hi, long... dims) {
        return new Operand(TensorType.of(dtype, dims), Fill.INTEGER, lo, hi);
    }

    /** Floating, the given values in a row. */
    public static Operand values(double... values) {
        return new Operand(TensorType.f32(values.length), Fill.GIVEN, 0, 0, values);
    }

    /** The same fill with another element type. */
    public Operand withDType(DType dtype) {
        return new Operand(type.withDType(dtype), fill, lo, hi, given);
    }

    /** The values, row-major: a pure function of the operand, the seed and its position among a sample's operands. */
    public double[] materialize(long seed, int position) {
        Shape shape = type.shape();
        int n = Math.toIntExact(shape.size());
        double[] v = new double[n];
        for (int i = 0; i < n; i++) {
            double u = Philox.uniform(Philox.word(seed, position, 0, i));
            v[i] = switch (fill) {
                case UNIFORM -> lo + (hi - lo) * u;
                case AWAY_FROM_ZERO -> {
                    double x = lo + (hi - lo) * u;
                    yield Math.abs(x) < 0.1 ? Math.copySign(0.1 + Math.abs(x), x) : x;
                }
                case DISTINCT -> lo + (hi - lo) * i / n;
                case INTEGER -> Math.floor(lo + (hi - lo) * u);
                case GIVEN -> given[i % given.length];
            };
        }
        if (fill == Fill.DISTINCT) {
            for (int i = n - 1; i > 0; i--) {
                int j = (int) (Philox.uniform(Philox.word(seed, position, 1, i)) * (i + 1));
                double t = v[i];
                v[i] = v[j];
                v[j] = t;
            }
        }
        return v;
    }

    /** {@code f32(2, 3)}, with the fill where it is not the usual. */
    @Override
    public String toString() {
        return fill == Fill.GIVEN ? type.dtype() + Arrays.toString(given) : type.toString();
    }
}
