package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Ops that compute each element from the elements at the same place of up to three operands, which broadcast by NumPy's
 * rule. The record states the op's meaning as a function on doubles; that is what the reference backend runs.
 */
public sealed interface Pointwise extends Op permits Pointwise.Unary, Pointwise.Binary, Pointwise.Ternary {
    /** Number of operands, 1 to 3. */
    int arity();

    /** The meaning, in double precision; operands beyond the arity are ignored. */
    double apply(double a, double b, double c);

    @Override
    default List<TensorType> infer(List<TensorType> in) {
        Types.count(this, in, arity());
        Types.same(this, in);
        Shape shape = in.getFirst().shape();
        for (TensorType t : in.subList(1, in.size())) {
            shape = Shape.broadcast(name(), shape, t.shape());
        }
        return List.of(in.getFirst().withShape(shape));
    }

    @Override
    default int overwrites(int output) {
        return 0;
    }

    /** A pointwise op of one operand. Open: an op from outside implements this. */
    non-sealed interface Unary extends Pointwise {
        /** The meaning, in double precision. */
        double apply(double x);

        @Override
        default int arity() {
            return 1;
        }

        @Override
        default double apply(double a, double b, double c) {
            return apply(a);
        }
    }

    /** A pointwise op of two operands. */
    non-sealed interface Binary extends Pointwise {
        /** The meaning, in double precision. */
        double apply(double a, double b);

        @Override
        default int arity() {
            return 2;
        }

        @Override
        default double apply(double a, double b, double c) {
            return apply(a, b);
        }
    }

    /** A pointwise op of three operands. */
    non-sealed interface Ternary extends Pointwise {
        @Override
        default int arity() {
            return 3;
        }
    }

    /** {@code x * scale + shift}: negation, scaling and shifting by constants. */
    record Affine(double scale, double shift) implements Unary {
        @Override
        public double apply(double x) {
            return x * scale + shift;
        }
    }

    /** {@code e^x}. */
    record Exp() implements Unary {
        @Override
        public double apply(double x) {
            return Math.exp(x);
        }
    }

    /** Natural logarithm; -inf at 0, NaN below. */
    record Log() implements Unary {
        @Override
        public double apply(double x) {
            return Math.log(x);
        }
    }

    /** Square root; NaN below 0. */
    record Sqrt() implements Unary {
        @Override
        public double apply(double x) {
            return Math.sqrt(x);
        }
    }

    /** {@code 1 / sqrt(x)}; inf at 0. */
    record Rsqrt() implements Unary {
        @Override
        public double apply(double x) {
            return 1 / Math.sqrt(x);
        }
    }

    /** Absolute value. */
    record Abs() implements Unary {
        @Override
        public double apply(double x) {
            return Math.abs(x);
        }
    }

    /** -1, 0 or 1. */
    record Sign() implements Unary {
        @Override
        public double apply(double x) {
            return Math.signum(x);
        }
    }

    /** {@code max(x, 0)}; NaN stays NaN. */
    record Relu() implements Unary {
        @Override
        public double apply(double x) {
            return Math.max(x, 0);
        }
    }

    /** {@code 1 / (1 + e^-x)}. */
    record Sigmoid() implements Unary {
        @Override
        public double apply(double x) {
            return 1 / (1 + Math.exp(-x));
        }
    }

    /** Hyperbolic tangent. */
    record Tanh() implements Unary {
        @Override
        public double apply(double x) {
            return Math.tanh(x);
        }
    }

    /** {@code x * sigmoid(x)} (Hendrycks and Gimpel 2016, arXiv:1606.08415; Elfwing et al. 2017). NaN at -inf, as {@code x / (1 + e^-x)}. */
    record Silu() implements Unary {
        @Override
        public double apply(double x) {
            return x / (1 + Math.exp(-x));
        }
    }

    /** {@code x * min(max(x + 3, 0), 6) / 6}: SiLU without an exponential (Howard et al. 2019, arXiv:1905.02244). */
    record Hardswish() implements Unary {
        @Override
        public double apply(double x) {
            return x * Math.min(Math.max(x + 3, 0), 6) / 6;
        }
    }

    /**
     * The nearest number of 10 bits of mantissa with F32's exponents, ties away from zero: what tensor cores make of an F32 operand in TF32 ({@code cvt.rna.tf32.f32}, PTX ISA).
     * Infinities and NaN stay, as do F16 and BF16, which have no more bits; F32 above the largest such number becomes infinite.
     */
    record RoundTf32() implements Unary, StraightThrough {
        private static final int MANTISSA = 10;

        @Override
        public double apply(double x) {
            if (!Double.isFinite(x)) {
                return x;
            }
            double unit = Math.scalb(1.0, Math.max(Math.getExponent(x), Float.MIN_EXPONENT) - MANTISSA); // a power of two: dividing by it is exact
            return Math.copySign(Math.floor(Math.abs(x) / unit + 0.5) * unit, x);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** {@code a + b}. */
    record Add() implements Binary {
        @Override
        public double apply(double a, double b) {
            return a + b;
        }
    }

    /** {@code a - b}. */
    record Sub() implements Binary {
        @Override
        public double apply(double a, double b) {
            return a - b;
        }
    }

    /** {@code a * b}. */
    record Mul() implements Binary {
        @Override
        public double apply(double a, double b) {
            return a * b;
        }
    }

    /** {@code a / b}. */
    record Div() implements Binary {
        @Override
        public double apply(double a, double b) {
            return a / b;
        }
    }

    /** The larger of two; NaN if either is. */
    record Max() implements Binary {
        @Override
        public double apply(double a, double b) {
            return Math.max(a, b);
        }
    }

    /** The smaller of two; NaN if either is. */
    record Min() implements Binary {
        @Override
        public double apply(double a, double b) {
            return Math.min(a, b);
        }
    }

    /** 1 where {@code a > b}, else 0. */
    record Greater() implements Binary {
        @Override
        public double apply(double a, double b) {
            return a > b ? 1 : 0;
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** 1 where {@code a == b}, else 0. */
    record Equal() implements Binary {
        @Override
        public double apply(double a, double b) {
            return a == b ? 1 : 0;
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** Gradient of ReLU from its output: {@code y > 0 ? dy : 0}. */
    record ReluBackward() implements Binary {
        @Override
        public double apply(double dy, double y) {
            return y > 0 ? dy : 0;
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** Gradient of SiLU from its input: {@code dy * s * (1 + x (1 - s))}, s = sigmoid(x). */
    record SiluBackward() implements Binary, Composite {
        @Override
        public double apply(double dy, double x) {
            double s = 1 / (1 + Math.exp(-x));
            return dy * s * (1 + x * (1 - s));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor x = in.get(1);
            Tensor s = x.sigmoid();
            return List.of(in.get(0).mul(s.mul(x.mul(s.rsub(1)).add(1))));
        }
    }

    /** Gradient of the sigmoid from its output: {@code dy * y * (1 - y)}. */
    record SigmoidBackward() implements Binary, Composite {
        @Override
        public double apply(double dy, double y) {
            return dy * y * (1 - y);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor y = in.get(1);
            return List.of(in.get(0).mul(y).mul(y.rsub(1)));
        }
    }

    /** {@code x * a + b}, as one pass: a normalisation by known statistics, for one. */
    record MulAdd() implements Ternary {
        @Override
        public double apply(double x, double a, double b) {
            return x * a + b;
        }
    }

    /** {@code a} where the first operand is not 0, else {@code b}. */
    record Select() implements Ternary {
        @Override
        public double apply(double condition, double a, double b) {
            return condition != 0 ? a : b;
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /** The ops that integers have too. */
    Set<Class<? extends Op>> INTEGER = Set.of(Add.class, Sub.class, Mul.class, Max.class, Min.class, Greater.class, Equal.class);

    /** The family's rows. */
    static List<OpRow> rows() {
        List<OpRow> rows = new java.util.ArrayList<>(List.of(
                unary(new Affine(-1.5, 0.25), "scale * x + shift", -8, 8),
                unary(new Exp(), "e^x", -8, 8),
                unary(new Log(), "ln x", 0.1, 8),
                unary(new Sqrt(), "sqrt(x)", 0.1, 8),
                unary(new Rsqrt(), "1 / sqrt(x)", 0.1, 8),
                kinked(new Abs(), "|x|"),
                kinked(new Sign(), "sign of x"),
                kinked(new Relu(), "max(x, 0)"),
                unary(new Sigmoid(), "1 / (1 + e^-x)", -8, 8),
                unary(new Tanh(), "tanh x", -4, 4),
                unary(new Silu(), "x sigmoid(x)", -8, 8),
                unary(new Hardswish(), "x min(max(x + 3, 0), 6) / 6", -8, 8),
                tf32()));
        for (Binary op : List.of(new Add(), new Sub(), new Mul(), new Div(), new Max(), new Min(), new Greater(), new Equal(),
                new ReluBackward(), new SiluBackward(), new SigmoidBackward())) {
            rows.add(binary(op));
        }
        rows.replaceAll(row -> INTEGER.contains(row.type()) ? integers(row) : row);
        rows.add(ternary(new MulAdd(), "x * a + b"));
        rows.add(ternary(new Select(), "c != 0 ? a : b"));
        return rows;
    }

    /** The row with uses on integers, whose results saturate. */
    private static OpRow integers(OpRow row) {
        Op op = row.samples().getFirst().op();
        Stream<Sample> more = Stream.of(Sample.of(op, Operand.integers(DType.I32, -9, 10, 1025), Operand.integers(DType.I32, -9, 10, 1025)),
                Sample.of(op, Operand.integers(DType.I32, Integer.MIN_VALUE, Integer.MAX_VALUE, 4, 33), Operand.integers(DType.I32, Integer.MIN_VALUE, Integer.MAX_VALUE, 33)));
        return new OpRow(row.type(), row.summary(), Stream.concat(row.samples().stream(), more).toList(), row.errors());
    }

    private static OpRow unary(Unary op, String summary, double lo, double hi) {
        Stream<Sample> sized = Stream.of(new long[] {}, new long[] {1}, new long[] {7}, new long[] {13, 3}, new long[] {2, 3, 5, 7},
                        new long[] {33, 31}, new long[] {1023}, new long[] {1025}, new long[] {4098}, new long[] {0, 4})
                .map(d -> Sample.of(op, Operand.range(lo, hi, d)));
        Sample special = Sample.of(op, Operand.values(0, -0.0, 1, -1, 88, -88, 104, -104, 1e-30, -1e-30,
                Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN));
        return new OpRow(op.getClass(), summary, Stream.concat(sized, Stream.of(special)).toList(), List.of());
    }

    /** With ties of both signs and parities, the ends of binades, TF32's subnormals and what overflows. */
    private static OpRow tf32() {
        OpRow row = unary(new RoundTf32(), "x to 10 bits of mantissa", -8, 8);
        Sample edges = Sample.of(new RoundTf32(), Operand.values(1 + 0x1p-11, 1 + 3 * 0x1p-11, -1 - 0x1p-11, 1 + 0x1.ffep-12, 2 - 0x1p-12, 0x1p-136, 0x1p-137,
                0x1.8p-137, -0x1p-149, 0x1.ffcp127, -0x1.ffep127, Float.MAX_VALUE, Float.MIN_NORMAL));
        return new OpRow(row.type(), row.summary(), Stream.concat(row.samples().stream(), Stream.of(edges)).toList(), List.of());
    }

    private static OpRow kinked(Unary op, String summary) {
        OpRow row = unary(op, summary, -8, 8);
        List<Sample> away = row.samples().stream()
                .map(s -> s.operands().getFirst().fill() == Operand.Fill.GIVEN ? s
                        : Sample.of(op, Operand.kinked(s.types().getFirst().shape().dims())))
                .toList();
        return new OpRow(row.type(), summary, away, List.of());
    }

    private static OpRow binary(Binary op) {
        Stream<Sample> samples = Stream.of(
                        new long[][] {{7}, {7}}, new long[][] {{2, 3, 5, 7}, {2, 3, 5, 7}}, new long[][] {{1023}, {1023}},
                        new long[][] {{4, 5, 33}, {33}}, new long[][] {{4, 5, 33}, {1}}, new long[][] {{33}, {4, 5, 33}},
                        new long[][] {{}, {13, 3}}, new long[][] {{13, 3}, {}}, new long[][] {{3, 1, 5}, {1, 4, 1}},
                        new long[][] {{2, 4, 4, 8}, {2, 1, 1, 8}}, new long[][] {{2, 4, 4, 8}, {2, 1, 1, 1}},
                        new long[][] {{0, 3}, {3}}, new long[][] {{}, {}}, new long[][] {{17, 65}, {17, 1}})
                .map(d -> Sample.of(op, Operand.distinct(d[0]), Operand.range(0.3, 1.7, d[1])));
        double[] odd = {0, -0.0, 1, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN, 2};
        double[] other = {0, 1, Double.NaN, Double.POSITIVE_INFINITY, 3, 1, -0.0};
        return new OpRow(op.getClass(), op.name().toLowerCase(Locale.ROOT) + " of a and b",
                Stream.concat(samples, Stream.of(Sample.of(op, Operand.values(odd), Operand.values(other)))).toList(), List.of())
                .refuses(op, "do not broadcast", TensorType.f32(2, 3), TensorType.f32(4, 3))
                .refuses(op, "element types differ", TensorType.f32(3), TensorType.of(DType.I32, 3));
    }

    private static OpRow ternary(Ternary op, String summary) {
        return OpRow.of(op.getClass(), summary,
                Sample.of(op, Operand.kinked(7), Operand.of(7), Operand.of(7)),
                Sample.of(op, Operand.kinked(2, 3, 5, 33), Operand.of(33), Operand.of(33)),
                Sample.of(op, Operand.kinked(2, 3, 5, 7), Operand.of(2, 1, 1, 7), Operand.of()),
                Sample.of(op, Operand.kinked(1025), Operand.of(1), Operand.of(1025)),
                Sample.of(op, Operand.kinked(5, 1), Operand.of(5, 7), Operand.of(7)),
                Sample.of(op, Operand.kinked(0, 7), Operand.of(7), Operand.of(7)));
    }
}
