package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A product or convolution together with what is done to its sums before they are stored (the epilogue): a pass over memory saved for each. Models do not use these ops; a pass
 * puts them where the device has kernels for them. A kernel keeps the sums in F32 until its one store.
 */
public sealed interface FusedProduct extends Composite {
    /** The product alone: it takes the first two inputs. */
    Op product();

    /** Type of the product's result. */
    private static TensorType result(FusedProduct op, List<TensorType> in) {
        return op.product().infer(in.subList(0, 2)).getFirst();
    }

    private static void check(FusedProduct op, List<TensorType> in, int n) {
        Types.count(op, in, n);
        Types.mixed(op, in);
        Types.floating(op, in);
    }

    /** @param flops per element of the result, beside the product's own */
    private static Cost withEpilogue(FusedProduct op, List<TensorType> in, List<TensorType> out, int flops) {
        return Cost.of(in, out, op.product().cost(in.subList(0, 2), out.subList(0, 1)).flops() + flops * out.getFirst().shape().size());
    }

    private static Tensor multiply(FusedProduct op, List<Tensor> in) {
        return in.get(0).apply(op.product(), in.get(1));
    }

    /**
     * {@code activation(conv2d(x, w) * scale + shift + r)}: y(N, OH, OW, K) from images x(N, H, W, C), weights w(K, R, S, C/groups), scale(K), shift(K) and, if {@code residual},
     * r(N, OH, OW, K). A convolution and its normalisation by known statistics. Scale and shift are of the wide type.
     *
     * @param window stride, padding, dilation
     * @param groups of channels
     * @param activation what comes last
     * @param residual whether something is added before the activation; it is the last input then
     */
    record ConvolutionScaleShift(Window window, int groups, Nonlinearity activation, boolean residual) implements FusedProduct {
        @Override
        public boolean wide(int input) {
            return input == 2 || input == 3;
        }

        @Override
        public Convolution.Conv2d product() {
            return new Convolution.Conv2d(window, groups);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, residual ? 5 : 4);
            TensorType y = result(this, in);
            Types.perChannel(this, y, in.subList(2, 4));
            if (residual) {
                Types.shape(this, "residual", in.get(4), y);
            }
            return List.of(y);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return withEpilogue(this, in, out, 4);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return product().accuracy(in.subList(0, 2));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            Tensor y = multiply(this, in).cast(own.wide()).mulAdd(in.get(2), in.get(3));
            return List.of(activation.apply(residual ? y.add(in.get(4).cast(own.wide())) : y).cast(own));
        }
    }

    /**
     * {@code activation(a b + shift)}: y(M, N) from a(M, K), b(K, N), each transposed on request, and shift(N) of the wide type. A linear layer with its bias.
     *
     * @param transposeA whether a is given as (K, M)
     * @param transposeB whether b is given as (N, K)
     * @param activation what comes last
     */
    record MatMulShift(boolean transposeA, boolean transposeB, Nonlinearity activation) implements FusedProduct {
        @Override
        public boolean wide(int input) {
            return input == 2;
        }

        @Override
        public String name() {
            return "matmul_shift";
        }

        @Override
        public MatMul product() {
            return new MatMul(transposeA, transposeB);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 3);
            TensorType y = result(this, in);
            Types.perChannel(this, y, in.subList(2, 3));
            return List.of(y);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return withEpilogue(this, in, out, 2);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return product().accuracy(in.subList(0, 2));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            return List.of(activation.apply(multiply(this, in).cast(own.wide()).add(in.get(2))).cast(own));
        }
    }

    /**
     * {@code y = conv2d(x, w)} with what batch normalisation wants to know of it: y(N, OH, OW, K), mean(K) and the biased variance(K) over N, OH and OW, from images x(N, H, W, C)
     * and weights w(K, R, S, C/groups). {@link FusedNormalization.NormalizeActivation} goes on from there, so that a training step reads y once less.
     *
     * <p>The statistics, of the wide type, are of the sums before they are rounded to y's element type: a kernel has them in registers then. A variance is taken of differences
     * from something near the mean, or as Chan, Golub and LeVeque (1979) combine those of parts; a mean of squares less the square of the mean would cancel.
     *
     * @param window stride, padding, dilation
     * @param groups of channels
     */
    record ConvolutionStatistics(Window window, int groups) implements FusedProduct {
        @Override
        public Convolution.Conv2d product() {
            return new Convolution.Conv2d(window, groups);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, 2);
            TensorType y = result(this, in);
            TensorType perChannel = TensorType.of(y.dtype().wide(), y.shape().dim(3));
            return List.of(y, perChannel, perChannel);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return withEpilogue(this, in, out, 4);
        }

        /** A sum over taps, then one over pixels. */
        @Override
        public Accuracy accuracy(List<TensorType> in) {
            TensorType y = result(this, in);
            long pixels = y.shape().size() / Math.max(y.shape().dim(3), 1);
            return Accuracy.matmul(Math.max(product().accuracy(in).length(), pixels));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor y = multiply(this, in);
            int[] pixels = IntStream.range(0, 3).toArray();
            Tensor sums = y.cast(y.dtype().wide());
            Tensor mean = sums.mean(pixels);
            return List.of(y, mean, sums.sub(mean).square().mean(pixels));
        }
    }

    /**
     * {@code activation(conv2d(x * gate, w) * scale + shift + r)}: y(N, H, W, K) from images x(N, H, W, C), weights w(K, 1, 1, C), scale(K), shift(K), gate(N, C) and, if
     * {@code residual}, r(N, H, W, K): the projection behind a squeeze and excitation, in an evaluation. All but images and weights are of the wide type.
     *
     * @param activation what comes last
     * @param residual whether something is added before the activation; it is the last input then
     */
    record GatedConvolution(Nonlinearity activation, boolean residual) implements FusedProduct {
        @Override
        public boolean wide(int input) {
            return input > 1 && input < 5;
        }

        @Override
        public Convolution.Conv2d product() {
            return new Convolution.Conv2d(Window.of(1, 0), 1);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, residual ? 6 : 5);
            Gating.gated(this, in.get(0), in.get(4));
            Types.rank(this, "weights", in.get(1), 4, "(K, 1, 1, C)");
            TensorType y = result(this, in);
            Types.shape(this, "weights", in.get(1), TensorType.of(in.get(1).dtype(), y.shape().dim(3), 1, 1, in.get(0).shape().dim(3)));
            Types.perChannel(this, y, in.subList(2, 4));
            if (residual) {
                Types.shape(this, "residual", in.get(5), y);
            }
            return List.of(y);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return withEpilogue(this, in, out, 4);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return product().accuracy(in.subList(0, 2));
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType own = in.getFirst().dtype();
            Tensor y = Gating.multiply(in.get(0), in.get(4)).apply(product(), in.get(1)).cast(own.wide()).mulAdd(in.get(2), in.get(3));
            return List.of(activation.apply(residual ? y.add(in.get(5).cast(own.wide())) : y).cast(own));
        }
    }

    /**
     * {@code conv2d_backward_data(dy, w) + r}: the gradient of images that go on by a convolution and by a shortcut, dx(N, h, w, C) from dy(N, OH, OW, K), weights(K, R, S,
     * C/groups) and r(N, h, w, C), what comes through the shortcut. If {@code rectified}, the images are the result y(N, h, w, C) of a ReLU, and dx is the gradient of what went
     * into that: zero where y is not positive.
     *
     * @param window stride, padding, dilation
     * @param groups of channels
     * @param h rows of the images
     * @param w their columns
     * @param rectified whether the gradient goes on through a ReLU, whose result is the last input then
     */
    record BackwardDataSum(Window window, int groups, long h, long w, boolean rectified) implements FusedProduct {
        @Override
        public Convolution.Conv2dBackwardData product() {
            return new Convolution.Conv2dBackwardData(window, groups, h, w);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, rectified ? 4 : 3);
            TensorType dx = result(this, in);
            Types.shape(this, "residual", in.get(2), dx);
            if (rectified) {
                Types.shape(this, "result", in.get(3), dx);
            }
            return List.of(dx);
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return withEpilogue(this, in, out, rectified ? 2 : 1);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return product().accuracy(in.subList(0, 2));
        }

        @Override
        public int overwrites(int output) {
            return 2;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor sum = multiply(this, in).add(in.get(2));
            return List.of(rectified ? Nonlinearity.RELU.gradient(sum, in.get(3)) : sum);
        }
    }

    /** What says where a gradient goes on through a ReLU. */
    enum Rectifier {
        /** There is no ReLU. */
        NONE,
        /** Its result, which is given: where that is positive. */
        RESULT,
        /** What went into it, which is a normalisation and nothing else, and is computed again. */
        NORMALISED
    }

    /**
     * The gradient that a batch normalisation gets from the convolution behind it, with what the normalisation's own gradient wants to know of it: g(N, h, w, C), dgamma(C) and
     * dbeta(C). That is {@code g = conv2d_backward_data(dy, w) + r}, behind a ReLU if there is one, {@code dgamma = sum of g (x - mean) / sqrt(variance + eps)} and
     * {@code dbeta = sum of g}, from dy(N, OH, OW, K), weights(K, R, S, C/groups), what was normalised x(N, h, w, C), mean(C) and variance(C), then, as far as they are needed,
     * gamma(C) and beta(C) ({@link Rectifier#NORMALISED}), r(N, h, w, C) and the ReLU's result y(N, h, w, C) ({@link Rectifier#RESULT}). What is per channel is of the wide type.
     * {@link FusedNormalization.NormalizeBackward} goes on from there, so that a training step reads g and x once less. (cuDNN's graphs have the same fusion, of data gradient,
     * ReLU and batch normalisation's weights.)
     *
     * @param window stride, padding, dilation
     * @param groups of channels
     * @param h rows of the images
     * @param w their columns
     * @param residual whether r is added
     * @param rectifier where the sum goes on
     * @param eps the normalisation's
     */
    record BackwardDataStatistics(Window window, int groups, long h, long w, boolean residual, Rectifier rectifier, double eps) implements FusedProduct {
        @Override
        public boolean wide(int input) {
            return input > 2 && input < wholeImages();
        }

        /** Index of the first input behind those per channel. */
        public int wholeImages() {
            return rectifier == Rectifier.NORMALISED ? 7 : 5;
        }

        @Override
        public Convolution.Conv2dBackwardData product() {
            return new Convolution.Conv2dBackwardData(window, groups, h, w);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            check(this, in, wholeImages() + (residual ? 1 : 0) + (rectifier == Rectifier.RESULT ? 1 : 0));
            TensorType dx = result(this, in);
            Types.shape(this, "images", in.get(2), dx);
            Types.perChannel(this, dx, in.subList(3, wholeImages()));
            if (residual) {
                Types.shape(this, "residual", in.get(wholeImages()), dx);
            }
            if (rectifier == Rectifier.RESULT) {
                Types.shape(this, "result", in.getLast(), dx);
            }
            return List.of(dx, in.get(3), in.get(3));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return withEpilogue(this, in, out, 4 + (residual ? 1 : 0) + (rectifier == Rectifier.NORMALISED ? 3 : rectifier == Rectifier.RESULT ? 1 : 0));
        }

        /** A sum over taps, then one over pixels. */
        @Override
        public Accuracy accuracy(List<TensorType> in) {
            TensorType dx = result(this, in);
            return Accuracy.matmul(Math.max(product().accuracy(in.subList(0, 2)).length(), dx.shape().size() / Math.max(dx.shape().dim(3), 1)));
        }

        @Override
        public int overwrites(int output) {
            return output == 0 && residual ? wholeImages() : -1;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            DType wide = in.getFirst().dtype().wide();
            Tensor dx = multiply(this, in);
            Tensor sum = residual ? dx.add(in.get(wholeImages())) : dx;
            Tensor normalised = in.get(2).cast(wide).sub(in.get(3)).mul(in.get(4).add(eps).rsqrt());
            Tensor g = switch (rectifier) {
                case NONE -> sum;
                case RESULT -> Nonlinearity.RELU.gradient(sum, in.getLast());
                case NORMALISED -> Nonlinearity.RELU.gradient(sum, normalised.mul(in.get(5)).add(in.get(6)).cast(sum.dtype()));
            };
            int[] pixels = IntStream.range(0, 3).toArray();
            return List.of(g, g.cast(wide).mul(normalised).sum(pixels), g.cast(wide).sum(pixels));
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        ConvolutionScaleShift sum = new ConvolutionScaleShift(Window.of(1, 0), 1, Nonlinearity.RELU, true);
        ConvolutionStatistics statistics = new ConvolutionStatistics(Window.of(1, 0), 1);
        MatMulShift linear = new MatMulShift(false, true, Nonlinearity.NONE);
        BackwardDataSum data = new BackwardDataSum(Window.of(1, 0), 1, 4, 4, false);
        BackwardDataStatistics sums = new BackwardDataStatistics(Window.of(1, 0), 1, 4, 4, true, Rectifier.RESULT, 1e-5);
        TensorType x = TensorType.f32(1, 4, 4, 3);
        TensorType w = TensorType.f32(2, 1, 1, 3);
        TensorType k = TensorType.f32(2);
        return List.of(
                new OpRow(ConvolutionScaleShift.class, "activation of conv2d * scale + shift, plus a residual", convolutions(), List.of())
                        .refuses(sum, "channels differ", x, w, TensorType.f32(3), k, TensorType.f32(1, 4, 4, 2))
                        .refuses(sum, "residual has the wrong shape", x, w, k, k, x)
                        .refuses(sum, "wrong number of inputs", x, w, k, k)
                        .refuses(sum, "element types differ", x, w, k.withDType(DType.F16), k, TensorType.f32(1, 4, 4, 2))
                        .refuses(new ConvolutionScaleShift(Window.of(1, 0), 2, Nonlinearity.NONE, false), "groups do not divide", x, w, k, k),
                new OpRow(GatedConvolution.class, "activation of a 1x1 convolution of gated images * scale + shift, plus a residual", gated(), List.of())
                        .refuses(new GatedConvolution(Nonlinearity.NONE, false), "gate has the wrong shape", x, w, k, k, TensorType.f32(1, 4))
                        .refuses(new GatedConvolution(Nonlinearity.NONE, true), "residual has the wrong shape", x, w, k, k, TensorType.f32(1, 3), x)
                        .refuses(new GatedConvolution(Nonlinearity.NONE, false), "weights has the wrong shape", x, TensorType.f32(2, 3, 3, 3), k, k, TensorType.f32(1, 3)),
                new OpRow(MatMulShift.class, "activation of a matrix product plus a row", products(), List.of())
                        .refuses(linear, "channels differ", TensorType.f32(4, 3), TensorType.f32(5, 3), TensorType.f32(3))
                        .refuses(linear, "inner dimensions differ", TensorType.f32(4, 3), TensorType.f32(5, 4), TensorType.f32(5))
                        .refuses(linear, "wrong number of inputs", TensorType.f32(4, 3), TensorType.f32(5, 3)),
                new OpRow(ConvolutionStatistics.class, "conv2d, mean and variance of its channels", statistics(), List.of())
                        .refuses(statistics, "channels differ", x, TensorType.f32(2, 1, 1, 4))
                        .refuses(statistics, "wrong number of inputs", x, w, k),
                new OpRow(BackwardDataSum.class, "gradient by the images, plus what comes through a shortcut, behind a ReLU", gradients(), List.of())
                        .refuses(data, "residual has the wrong shape", TensorType.f32(1, 4, 4, 2), w, TensorType.f32(1, 4, 4, 2))
                        .refuses(new BackwardDataSum(Window.of(1, 0), 1, 4, 4, true), "result has the wrong shape", TensorType.f32(1, 4, 4, 2), w, x, TensorType.f32(1, 4, 5, 3))
                        .refuses(data, "wrong number of inputs", TensorType.f32(1, 4, 4, 2), w),
                new OpRow(BackwardDataStatistics.class, "gradient by normalised images, plus a shortcut's, behind a ReLU, and its sums", gradientStatistics(), List.of())
                        .refuses(sums, "channels differ", TensorType.f32(1, 4, 4, 2), w, x, k, k, x, x)
                        .refuses(sums, "images has the wrong shape", TensorType.f32(1, 4, 4, 2), w, TensorType.f32(1, 4, 4, 2), TensorType.f32(3), TensorType.f32(3), x, x)
                        .refuses(sums, "result has the wrong shape", TensorType.f32(1, 4, 4, 2), w, x, TensorType.f32(3), TensorType.f32(3), x, TensorType.f32(1, 4, 5, 3))
                        .refuses(sums, "wrong number of inputs", TensorType.f32(1, 4, 4, 2), w, x, TensorType.f32(3), TensorType.f32(3), x));
    }

    /** Sizes off every tile's edge, vectors of 8 and not, both strides, groups, each channel for itself, an empty batch. */
    private static List<Convolution.Case> cases() {
        return List.of(
                new Convolution.Case(1, 1, 1, 1, 1, 1, 1, Window.of(1, 0), 1),
                new Convolution.Case(2, 5, 7, 3, 5, 3, 3, Window.of(1, 1), 1),
                new Convolution.Case(2, 7, 5, 8, 24, 1, 1, Window.of(1, 0), 1),
                new Convolution.Case(2, 9, 8, 16, 8, 3, 3, Window.of(2, 1), 1),
                new Convolution.Case(3, 6, 5, 16, 40, 1, 1, Window.of(2, 0), 1),
                new Convolution.Case(1, 9, 9, 8, 16, 7, 7, Window.of(2, 3), 1),
                new Convolution.Case(2, 6, 5, 16, 16, 3, 3, Window.of(1, 1), 2),
                new Convolution.Case(1, 12, 11, 40, 72, 3, 3, Window.of(1, 1), 1),
                new Convolution.Case(1, 9, 8, 8, 8, 3, 3, Window.of(1, 2).dilated(2), 1),
                new Convolution.Case(1, 6, 7, 32, 32, 3, 3, Window.of(2, 1), 8),
                new Convolution.Case(1, 9, 8, 12, 12, 5, 5, Window.of(2, 2), 12),
                new Convolution.Case(2, 6, 5, 8, 8, 3, 3, Window.of(1, 1), 8),
                new Convolution.Case(0, 4, 4, 8, 8, 3, 3, Window.of(1, 1), 1));
    }

    private static List<Sample> convolutions() {
        List<Sample> all = new ArrayList<>();
        int i = 0;
        for (Convolution.Case c : cases()) {
            Nonlinearity activation = Nonlinearity.values()[i % 3];
            boolean residual = i++ % 2 == 1;
            List<Operand> operands = new ArrayList<>(List.of(Operand.of(c.n(), c.h(), c.w(), c.c()), weight(c), Operand.range(0.5, 1.5, c.k()), Operand.of(c.k())));
            if (residual) {
                operands.add(Operand.of(c.n(), c.window().outH(c.h(), c.r()), c.window().outW(c.w(), c.s()), c.k()));
            }
            all.add(new Sample(new ConvolutionScaleShift(c.window(), c.groups(), activation, residual), List.copyOf(operands)));
        }
        return List.copyOf(all);
    }

    private static List<Sample> gated() {
        List<Sample> all = new ArrayList<>();
        int i = 0;
        for (long[] d : new long[][] {{1, 1, 1, 1, 1}, {2, 5, 7, 3, 5}, {2, 7, 5, 40, 24}, {3, 4, 3, 17, 72}, {1, 14, 14, 96, 16}, {2, 7, 7, 272, 33}, {0, 4, 4, 8, 8}}) {
            boolean residual = i % 2 == 1;
            double bound = Math.min(2 / Math.sqrt(d[3]), 1);
            List<Operand> operands = new ArrayList<>(List.of(Operand.of(d[0], d[1], d[2], d[3]), Operand.range(-bound, bound, d[4], 1, 1, d[3]), Operand.range(0.5, 1.5, d[4]),
                    Operand.of(d[4]), Operand.range(0.1, 0.9, d[0], d[3])));
            if (residual) {
                operands.add(Operand.of(d[0], d[1], d[2], d[4]));
            }
            all.add(new Sample(new GatedConvolution(Nonlinearity.values()[i++ % 3], residual), List.copyOf(operands)));
        }
        return List.copyOf(all);
    }

    /** An empty batch has no mean. */
    private static List<Sample> statistics() {
        return cases().stream().filter(c -> c.n() > 0)
                .map(c -> Sample.of(new ConvolutionStatistics(c.window(), c.groups()), Operand.of(c.n(), c.h(), c.w(), c.c()), weight(c))).toList();
    }

    /** Of both kinds each, and products that Winograd's algorithm computes. */
    private static List<Sample> gradients() {
        List<Convolution.Case> all = new ArrayList<>(cases());
        all.add(winograd());
        return all.stream().flatMap(c -> Stream.of(false, true).map(rectified -> {
            Operand dx = Operand.of(c.n(), c.h(), c.w(), c.c());
            List<Operand> operands = new ArrayList<>(List.of(Operand.of(c.n(), c.window().outH(c.h(), c.r()), c.window().outW(c.w(), c.s()), c.k()), weight(c), dx));
            if (rectified) {
                operands.add(dx);
            }
            return new Sample(new BackwardDataSum(c.window(), c.groups(), c.h(), c.w(), rectified), List.copyOf(operands));
        })).toList();
    }

    /** Large enough for Winograd's algorithm, with tiles cut off at both edges; not larger, because its gradients are checked in double precision, and theirs. */
    private static Convolution.Case winograd() {
        return new Convolution.Case(2, 10, 11, 32, 32, 3, 3, Window.of(1, 1), 1);
    }

    /** Of the kinds in turns, and of each with a product that Winograd's algorithm computes. */
    private static List<Sample> gradientStatistics() {
        List<Convolution.Case> all = new ArrayList<>(cases().stream().filter(c -> c.n() > 0).toList());
        List<Sample> samples = new ArrayList<>();
        Rectifier[] rectifiers = Rectifier.values();
        for (Convolution.Case c : all) {
            samples.add(gradientStatistics(c, samples.size() / 2 % 2 == 0, rectifiers[samples.size() % rectifiers.length]));
        }
        for (int kind = 0; kind < 2 * rectifiers.length; kind++) {
            samples.add(gradientStatistics(winograd(), kind % 2 == 0, rectifiers[kind / 2]));
        }
        return List.copyOf(samples);
    }

    private static Sample gradientStatistics(Convolution.Case c, boolean residual, Rectifier rectifier) {
        Operand image = Operand.of(c.n(), c.h(), c.w(), c.c());
        List<Operand> operands = new ArrayList<>(List.of(Operand.of(c.n(), c.window().outH(c.h(), c.r()), c.window().outW(c.w(), c.s()), c.k()), weight(c), image,
                Operand.range(-0.1, 0.1, c.c()), Operand.range(0.3, 0.4, c.c())));
        if (rectifier == Rectifier.NORMALISED) {
            operands.add(Operand.range(0.5, 1.5, c.c()));
            operands.add(Operand.of(c.c()));
        }
        if (residual) {
            operands.add(image);
        }
        if (rectifier == Rectifier.RESULT) {
            operands.add(image);
        }
        return new Sample(new BackwardDataStatistics(c.window(), c.groups(), c.h(), c.w(), residual, rectifier, 1e-5), List.copyOf(operands));
    }

    /** At most 1, and of a size at which results are about as large as the images. */
    private static Operand weight(Convolution.Case c) {
        double bound = Math.min(2 / Math.sqrt(c.r() * c.s() * c.c() / c.groups()), 1);
        return Operand.range(-bound, bound, c.k(), c.r(), c.s(), c.c() / c.groups());
    }

    private static List<Sample> products() {
        List<Sample> all = new ArrayList<>();
        int i = 0;
        for (long[] s : new long[][] {{1, 1, 1}, {7, 13, 31}, {33, 65, 17}, {6, 64, 40}, {1, 10, 207}, {20, 136, 36}, {130, 72, 24}, {4, 3, 0}, {0, 3, 4}}) {
            boolean ta = i % 4 == 3;
            boolean tb = i % 3 != 1;
            all.add(Sample.of(new MatMulShift(ta, tb, Nonlinearity.values()[i++ % 3]), ta ? Operand.of(s[2], s[0]) : Operand.of(s[0], s[2]),
                    tb ? Operand.of(s[1], s[2]) : Operand.of(s[2], s[1]), Operand.of(s[1])));
        }
        return List.copyOf(all);
    }
}
