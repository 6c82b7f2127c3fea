package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/** From the loader's bytes, U8 (N, H, W, C), to a network's input, on the device. */
public sealed interface Images extends Op {
    private static TensorType bytes(Images op, TensorType images) {
        Types.rank(op, "images", images, 4, "(N, H, W, C)");
        Types.dtype(op, "images", images, DType.U8);
        return images;
    }

    private static TensorType cropped(Images op, TensorType images, TensorType places, int height, int width) {
        Types.rank(op, "places", places, 2, "(N, 3)");
        Types.dtype(op, "places", places, DType.I32);
        Types.equal(op, "places have the wrong first extent", places.shape().dim(0), images.shape().dim(0), "pass one row (y, x, flip) per image");
        Types.equal(op, "places have the wrong second extent", places.shape().dim(1), 3, "pass one row (y, x, flip) per image");
        if (height < 1 || width < 1 || height > images.shape().dim(1) || width > images.shape().dim(2)) {
            throw new ShapeException(op.name(), "crop does not fit the images", height + " x " + width + " of " + images, "1 to the images' extent", "lower the crop, or load larger images");
        }
        return images.withShape(images.shape().with(1, height).with(2, width));
    }

    /**
     * A part of each image, at its own place and possibly mirrored: images U8 (N, H, W, C) and places I32 (N, 3) of rows (y, x, flip) to U8 (N, height, width, C). y and x
     * are clamped so that the part lies within the image; flip, where it is not 0, reverses the part's columns.
     */
    record Crop(int height, int width) implements Images {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            return List.of(cropped(this, bytes(this, in.get(0)), in.get(1), height, width));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return new Cost(2 * out.getFirst().bytes() + in.get(1).bytes(), 0);
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.exact();
        }
    }

    /**
     * {@code x scale[c] + shift[c]} of each pixel, in F32 and rounded once to a floating type.
     *
     * @param scale per channel
     * @param shift per channel
     * @param to element type of the result
     */
    record Normalize(List<Double> scale, List<Double> shift, DType to) implements Images, Composite {
        /** Takes copies. @throws CallerException if the lists differ in length, or the type is not floating */
        public Normalize {
            scale = List.copyOf(scale);
            shift = List.copyOf(shift);
            if (scale.size() != shift.size() || !to.isFloating()) {
                throw new CallerException("normalize", "not a scale and a shift per channel, to a floating type",
                        scale + ", " + shift + ", " + to, "as many of each", "pass one of each per channel");
            }
        }

        /** {@code (x / 255 - mean) / std} per channel. */
        public static Normalize of(float[] mean, float[] std, DType to) {
            List<Double> scale = new ArrayList<>();
            List<Double> shift = new ArrayList<>();
            for (int c = 0; c < mean.length; c++) {
                scale.add(1 / (255.0 * std[c]));
                shift.add(-(double) mean[c] / std[c]);
            }
            return new Normalize(scale, shift, to);
        }

        private TensorType channels(Images op, TensorType images) {
            Types.equal(op, "channels differ", images.shape().dim(3), scale.size(), "pass one scale and one shift per channel");
            return images.withDType(to);
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 1);
            return List.of(channels(this, bytes(this, in.getFirst())));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 2 * in.getFirst().shape().size());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(exact(in.getFirst()).cast(to));
        }

        private Tensor exact(Tensor images) {
            TensorType perChannel = TensorType.f32(scale.size());
            return images.cast(DType.F32).mulAdd(images.context().literal(perChannel, scale.stream().mapToDouble(d -> d).toArray()),
                    images.context().literal(perChannel, shift.stream().mapToDouble(d -> d).toArray()));
        }
    }

    /**
     * {@link Crop}, {@link Normalize} and mixup (Zhang et al. 2018, arXiv:1710.09412) in one pass: images U8 (N, H, W, C), places I32 (N, 3), and if mixed partners I32 (N), each in
     * [0, N), and weights (N) or a scalar: {@code weight x[i] + (1 - weight) x[partner[i]]} of the cropped and normalised images, in F32, rounded once. A partner outside of [0, N) counts as
     * an image of zeros.
     *
     * @param normalize of the pixels
     * @param height of the result
     * @param width of the result
     * @param mixed whether images are mixed
     */
    record Augment(Normalize normalize, int height, int width, boolean mixed) implements Images, Composite {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, mixed ? 4 : 2);
            TensorType part = cropped(this, bytes(this, in.get(0)), in.get(1), height, width);
            if (mixed) {
                Types.rank(this, "partners", in.get(2), 1, "(N)");
                Types.dtype(this, "partners", in.get(2), DType.I32);
                Types.equal(this, "partners have the wrong extent", in.get(2).shape().dim(0), part.shape().dim(0), "pass one partner per image");
                Types.floating(this, in.subList(3, 4));
                if (in.get(3).shape().rank() > 0) {
                    Types.rank(this, "weights", in.get(3), 1, "(N) or a scalar");
                    Types.equal(this, "weights have the wrong extent", in.get(3).shape().dim(0), part.shape().dim(0), "pass one weight per image, or one for all");
                }
            }
            return List.of(normalize.channels(this, part));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            long n = out.getFirst().shape().size();
            return new Cost(n + out.getFirst().bytes(), (mixed ? 6 : 2) * n);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor x = normalize.exact(in.get(0).apply(new Crop(height, width), in.get(1)));
            if (mixed) {
                long n = x.shape().dim(0);
                Tensor weight = in.get(3).cast(DType.F32);
                Tensor each = weight.shape().rank() == 0 ? weight : weight.reshape(n, 1, 1, 1);
                // A row of 0s and a 1 picks an image exactly: pixels are finite
                Tensor partner = in.get(2).oneHot(n).matmul(x.reshape(n, x.shape().size() / Math.max(n, 1))).reshape(x.shape().dims());
                x = x.mul(each).add(partner.mul(each.rsub(1)));
            }
            return List.of(x.cast(normalize.to));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return mixed ? Accuracy.matmul(in.getFirst().shape().dim(0)) : Accuracy.elementwise();
        }
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        float[] mean = {0.485f, 0.456f, 0.406f};
        float[] std = {0.229f, 0.224f, 0.225f};
        Normalize rgb = Normalize.of(mean, std, DType.F32);
        Normalize gray = new Normalize(List.of(1 / 255.0), List.of(-0.5), DType.F32);
        Normalize four = new Normalize(List.of(0.01, 0.02, 0.01, 0.03), List.of(-1.0, 0.5, 0.0, 1.0), DType.F32);
        Normalize half = Normalize.of(mean, std, DType.F16);
        Normalize brain = Normalize.of(mean, std, DType.BF16);
        Operand places = Operand.integers(DType.I32, 0, 3, 3, 3);
        Operand partners = Operand.labels(3, 3);
        return List.of(
                OpRow.of(Crop.class, "part of each image, possibly mirrored", Sample.of(new Crop(5, 6), images(3, 7, 8, 3), places), Sample.of(new Crop(4, 4), images(3, 4, 4, 1), places),
                        Sample.of(new Crop(3, 17), images(3, 9, 33, 4), Operand.integers(DType.I32, -4, 40, 3, 3)))
                        .refuses(new Crop(5, 5), "crop does not fit", TensorType.of(DType.U8, 1, 4, 6, 3), TensorType.of(DType.I32, 1, 3))
                        .refuses(new Crop(2, 2), "places have the wrong first extent", TensorType.of(DType.U8, 2, 4, 6, 3), TensorType.of(DType.I32, 1, 3)),
                OpRow.of(Normalize.class, "x scale[c] + shift[c] of bytes", Sample.of(rgb, images(2, 5, 7, 3)), Sample.of(rgb, images(1, 40, 33, 3)), Sample.of(half, images(2, 5, 7, 3)),
                        Sample.of(half, images(1, 16, 16, 3)),
                        Sample.of(brain, images(2, 5, 7, 3)), Sample.of(gray, images(3, 3, 3, 1)), Sample.of(four, images(2, 3, 5, 4)), Sample.of(gray, images(0, 3, 3, 1)))
                        .refuses(rgb, "channels differ", TensorType.of(DType.U8, 1, 2, 2, 4))
                        .refuses(rgb, "element type", TensorType.f32(1, 2, 2, 3)),
                OpRow.of(Augment.class, "crop, flip, normalise, mix", Sample.of(new Augment(rgb, 5, 6, false), images(3, 7, 8, 3), places),
                        Sample.of(new Augment(rgb, 20, 24, false), images(3, 24, 30, 3), places), Sample.of(new Augment(half, 20, 24, false), images(3, 24, 30, 3), places),
                        Sample.of(new Augment(brain, 5, 5, false), images(3, 7, 8, 3), places),
                        Sample.of(new Augment(gray, 3, 17, false), images(3, 9, 33, 1), Operand.integers(DType.I32, -4, 40, 3, 3)),
                        Sample.of(new Augment(rgb, 5, 6, true), images(3, 7, 8, 3), places, partners, Operand.range(0, 1)),
                        Sample.of(new Augment(half, 7, 8, true), images(3, 7, 8, 3), places, partners, Operand.range(0, 1, 3)),
                        Sample.of(new Augment(four, 2, 3, true), images(3, 5, 5, 4), places, partners, Operand.range(0, 1, 3)))
                        .refuses(new Augment(rgb, 5, 5, true), "weights have the wrong extent",
                                TensorType.of(DType.U8, 2, 5, 5, 3), TensorType.of(DType.I32, 2, 3), TensorType.of(DType.I32, 2), TensorType.f32(3)));
    }

    private static Operand images(long... dims) {
        return Operand.integers(DType.U8, 0, 256, dims);
    }
}
