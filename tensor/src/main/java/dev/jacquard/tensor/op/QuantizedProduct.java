package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DTypeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * Products and convolutions of I8 operands with per-channel scales (Jacob et al. 2018, arXiv:1712.05877; symmetric, zero point 0), their sums exact in I32, and what is done to the
 * sums before they are stored: with {@code v = activation(sum * scale[k] + shift[k] + residualScale * r)} in F32, {@code saturate(round(v))} for results in I8, rounded half to
 * even and in [-128, 127], and v for results in a floating type. A NaN becomes 0 in I8.
 *
 * <p>{@code scale} and {@code shift} are of one floating type, F32 as a rule. {@code scale} has all factors in it: those of input, weights and result. For a result in I8 the
 * activation is of the scaled value: only {@link Nonlinearity#NONE} and {@link Nonlinearity#RELU}, which scales pass through, mean the same there as in floating numbers.
 */
public sealed interface QuantizedProduct extends Composite {
    /** The floating product whose shapes and sums these are: it takes the first two inputs. */
    Op product();

    /** What comes before the rounding. */
    Nonlinearity activation();

    /** Factor of the residual, an I8 tensor of the result's shape and the last input; 0 if there is none. */
    double residualScale();

    /** Element type of the result: I8, F16, BF16 or F32. */
    DType to();

    /** Whether a residual is the last input. */
    default boolean residual() {
        return residualScale() != 0;
    }

    @Override
    default List<TensorType> infer(List<TensorType> in) {
        Types.count(this, in, residual() ? 5 : 4);
        Types.dtype(this, "first operand", in.get(0), DType.I8);
        Types.dtype(this, "weights", in.get(1), DType.I8);
        TensorType y = product().infer(floating(in)).getFirst();
        List<TensorType> perChannel = in.subList(2, 4);
        Types.floating(this, perChannel);
        Types.same(this, perChannel);
        Types.perChannel(this, y, perChannel);
        if (residual()) {
            Types.dtype(this, "residual", in.get(4), DType.I8);
            Types.shape(this, "residual", in.get(4), y);
        }
        return List.of(y.withDType(to()));
    }

    /** The two operands as they are in the floating product. */
    private static List<TensorType> floating(List<TensorType> in) {
        return in.subList(0, 2).stream().map(t -> t.withDType(DType.F32)).toList();
    }

    @Override
    default Cost cost(List<TensorType> in, List<TensorType> out) {
        return Cost.of(in, out, product().cost(floating(in), out).flops() + 5 * out.getFirst().shape().size());
    }

    /** Sums are exact; only what follows them rounds. */
    @Override
    default Accuracy accuracy(List<TensorType> in) {
        return Accuracy.elementwise();
    }

    /** In F32, in which integers up to 2^24 are exact, unless the scale is more precise than that. */
    @Override
    default List<Tensor> define(List<Tensor> in) {
        DType arithmetic = in.get(2).dtype() == DType.F64 ? DType.F64 : DType.F32;
        List<Tensor> as = in.stream().map(t -> t.dtype() == arithmetic ? t : t.cast(arithmetic)).toList();
        Tensor v = as.get(0).apply(product(), as.get(1)).mulAdd(as.get(2), as.get(3));
        v = activation().apply(residual() ? v.add(as.get(4).mul(residualScale())) : v);
        if (to() == DType.I8) {
            Tensor one = v.context().fill(TensorType.of(arithmetic), 1);
            v = v.apply(new Quantization.FakeQuantize(Byte.MIN_VALUE, Byte.MAX_VALUE), one);
        }
        return List.of(to() == arithmetic ? v : v.cast(to()));
    }

    private static void check(String op, double residualScale, DType to) {
        if (!Double.isFinite(residualScale)) {
            throw new CallerException(op, "residual's scale is not a number", Double.toString(residualScale), "a finite number, 0 for no residual", "check the scales");
        }
        if (to != DType.I8 && to != DType.F16 && to != DType.BF16 && to != DType.F32) {
            throw new DTypeException(op, "no such result", to.toString(), "i8, f16, bf16 or f32", "ask for one of them, and cast it");
        }
    }

    /**
     * y(N, OH, OW, K) from images x(N, H, W, C) I8, weights w(K, R, S, C/groups) I8, scale(K), shift(K) and, with a residual, r(N, OH, OW, K) I8.
     *
     * @param window stride, padding (with 0), dilation
     * @param groups of channels
     * @param activation what comes before the rounding
     * @param residualScale factor of the residual, 0 for none
     * @param to element type of the result
     */
    record QuantizedConv2d(Window window, int groups, Nonlinearity activation, double residualScale, DType to) implements QuantizedProduct {
        /** Checks the attributes. @throws CallerException if the residual's scale is not finite @throws DTypeException if there is no such result */
        public QuantizedConv2d {
            check("quantized_conv2d", residualScale, to);
        }

        @Override
        public Convolution.Conv2d product() {
            return new Convolution.Conv2d(window, groups);
        }
    }

    /**
     * y(M, N) from x(M, K) I8, weights w(N, K) I8, scale(N), shift(N) and, with a residual, r(M, N) I8.
     *
     * @param activation what comes before the rounding
     * @param residualScale factor of the residual, 0 for none
     * @param to element type of the result
     */
    record QuantizedMatMul(Nonlinearity activation, double residualScale, DType to) implements QuantizedProduct {
        /** Checks the attributes. @throws CallerException if the residual's scale is not finite @throws DTypeException if there is no such result */
        public QuantizedMatMul {
            check(NAME, residualScale, to);
        }

        private static final String NAME = "quantized_matmul";

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public MatMul product() {
            return new MatMul(false, true);
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        QuantizedMatMul linear = new QuantizedMatMul(Nonlinearity.NONE, 0, DType.I8);
        QuantizedMatMul sum = new QuantizedMatMul(Nonlinearity.NONE, 0.5, DType.F32);
        QuantizedConv2d conv = new QuantizedConv2d(Window.of(1, 0), 1, Nonlinearity.NONE, 0, DType.I8);
        TensorType x = TensorType.of(DType.I8, 4, 8);
        TensorType w = TensorType.of(DType.I8, 3, 8);
        TensorType k = TensorType.f32(3);
        return List.of(
                new OpRow(QuantizedConv2d.class, "conv2d of I8 with scales, shifts, a residual and an activation, rounded", convolutions(), List.of())
                        .refuses(conv, "channels differ", TensorType.of(DType.I8, 1, 4, 4, 8), TensorType.of(DType.I8, 3, 1, 1, 8), k, TensorType.f32(8))
                        .refuses(conv, "wrong element type", TensorType.f32(1, 4, 4, 8), TensorType.of(DType.I8, 3, 1, 1, 8), k, k),
                new OpRow(QuantizedMatMul.class, "matrix product of I8 with scales, shifts, a residual and an activation, rounded", products(), List.of())
                        .refuses(linear, "wrong element type", x, w.withDType(DType.U8), k, k)
                        .refuses(linear, "element type is not floating", x, w, k.withDType(DType.I32), k)
                        .refuses(linear, "inner dimensions differ", x, TensorType.of(DType.I8, 3, 7), k, k)
                        .refuses(linear, "wrong number of inputs", x, w, k)
                        .refuses(sum, "residual has the wrong shape", x, w, k, k, x)
                        .refuses(sum, "residual has the wrong element type", x, w, k, k, TensorType.f32(4, 3)));
    }

    /**
     * What follows the sums of the samples. Results in I8 are compared bit for bit: samples have what F32 computes exactly in whatever order, so SiLU, which is not, goes with
     * floating results.
     */
    private static List<QuantizedMatMul> epilogues() {
        return List.of(
                new QuantizedMatMul(Nonlinearity.NONE, 0, DType.I8),
                new QuantizedMatMul(Nonlinearity.RELU, 0.75, DType.I8),
                new QuantizedMatMul(Nonlinearity.SILU, 0, DType.F32),
                new QuantizedMatMul(Nonlinearity.NONE, -0.5, DType.I8),
                new QuantizedMatMul(Nonlinearity.RELU, 0, DType.BF16),
                new QuantizedMatMul(Nonlinearity.RELU, 0, DType.I8),
                new QuantizedMatMul(Nonlinearity.NONE, 0.75, DType.F16),
                new QuantizedMatMul(Nonlinearity.NONE, 0, DType.I8));
    }

    private static List<Sample> convolutions() {
        List<Convolution.Case> cases = List.of(
                new Convolution.Case(1, 1, 1, 1, 1, 1, 1, Window.of(1, 0), 1),
                new Convolution.Case(2, 5, 7, 3, 5, 3, 3, Window.of(1, 1), 1),
                new Convolution.Case(2, 7, 5, 16, 24, 1, 1, Window.of(1, 0), 1),
                new Convolution.Case(2, 9, 8, 32, 16, 3, 3, Window.of(2, 1), 1),
                new Convolution.Case(3, 6, 5, 16, 40, 1, 1, Window.of(2, 0), 1),
                new Convolution.Case(2, 6, 5, 32, 32, 3, 3, Window.of(1, 1), 2),
                new Convolution.Case(1, 9, 8, 48, 72, 3, 3, Window.of(1, 1), 1),
                new Convolution.Case(0, 4, 4, 16, 8, 3, 3, Window.of(1, 1), 1));
        List<Sample> all = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            Convolution.Case c = cases.get(i);
            QuantizedMatMul e = epilogues().get(i);
            QuantizedConv2d op = new QuantizedConv2d(c.window(), c.groups(), e.activation, e.residualScale, e.to);
            all.add(new Sample(op, operands(op, bytes(c.n(), c.h(), c.w(), c.c()), bytes(c.k(), c.r(), c.s(), c.c() / c.groups()),
                    bytes(c.n(), c.window().outH(c.h(), c.r()), c.window().outW(c.w(), c.s()), c.k()))));
        }
        all.add(halves(new QuantizedConv2d(Window.of(1, 1), 1, Nonlinearity.NONE, -0.5, DType.I8), small(8, 2, 5, 4, 32), small(2, 16, 3, 3, 32), bytes(2, 5, 4, 16)));
        return List.copyOf(all);
    }

    private static List<Sample> products() {
        long[][] shapes = {{1, 1, 1}, {7, 13, 31}, {33, 65, 16}, {6, 64, 48}, {20, 136, 208}, {130, 72, 32}, {1, 10, 1040}, {0, 3, 16}};
        List<Sample> all = new ArrayList<>();
        for (int i = 0; i < shapes.length; i++) {
            long[] s = shapes[i];
            all.add(new Sample(epilogues().get(i), operands(epilogues().get(i), bytes(s[0], s[2]), bytes(s[1], s[2]), bytes(s[0], s[1]))));
        }
        all.add(halves(new QuantizedMatMul(Nonlinearity.NONE, -0.5, DType.I8), small(16, 9, 48), small(4, 64, 48), bytes(9, 64)));
        return List.copyOf(all);
    }

    /** The whole range, both ends included. */
    private static Operand bytes(long... dims) {
        return Operand.integers(DType.I8, Byte.MIN_VALUE, Byte.MAX_VALUE + 1, dims);
    }

    /**
     * Scales are small multiples of a power of two, of a size at which some results in I8 saturate and floating ones are near 1; with the shifts they make values that are exact in
     * F32, and ties.
     */
    private static List<Operand> operands(QuantizedProduct op, Operand x, Operand w, Operand r) {
        long channels = w.type().shape().dim(0);
        int terms = (int) (w.type().shape().size() / channels);
        int deviation = 12 + (Integer.SIZE - Integer.numberOfLeadingZeros(terms)) / 2; // of a sum, as a power of two
        double step = Math.scalb(1.0, (op.to() == DType.I8 ? 5 : 0) - deviation);
        List<Operand> all = new ArrayList<>(List.of(x, w, given(channels, step, 2 * step, 3 * step, -step), given(channels, 0.5, -3, 7.25, 0, -0.5)));
        if (op.residual()) {
            all.add(r);
        }
        return List.copyOf(all);
    }

    /** A sample of whose results many are halves before they are rounded. */
    private static Sample halves(QuantizedProduct op, Operand x, Operand w, Operand r) {
        long channels = w.type().shape().dim(0);
        return Sample.of(op, x, w, given(channels, 0.25, 0.5, -0.25), given(channels, 0.5, 0, -0.25, 1), r);
    }

    private static Operand small(long bound, long... dims) {
        return Operand.integers(DType.I8, -bound, bound, dims);
    }

    private static Operand given(long channels, double... values) {
        return new Operand(TensorType.f32(channels), Operand.Fill.GIVEN, 0, 0, values);
    }
}
