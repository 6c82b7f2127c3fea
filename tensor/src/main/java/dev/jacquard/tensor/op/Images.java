package dev.jacquard.tensor.op;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

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
            throw new ShapeException(op.name(), "crop does not fit the images", height + " x " + width + " of " + images, "1 to the images' extent",
                    "lower the crop, or load larger images");
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
     * {@link Crop} and {@link Normalize} in one pass: images U8 (N, H, W, C) and places I32 (N, 3) to (N, height, width, C).
     *
     * @param normalize of the pixels
     * @param height of the result
     * @param width of the result
     */
    record Augment(Normalize normalize, int height, int width) implements Images, Composite {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 2);
            return List.of(normalize.channels(this, cropped(this, bytes(this, in.get(0)), in.get(1), height, width)));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            long n = out.getFirst().shape().size();
            return new Cost(n + out.getFirst().bytes(), 2 * n);
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(normalize.exact(in.get(0).apply(new Crop(height, width), in.get(1))).cast(normalize.to));
        }
    }

    /**
     * {@link Normalize} and the mixing of each image with a partner in one pass: images U8 (N, H, W, C), partners I32 (N), weights (N), boxes I32 (N, 4) of rows (y0, x0, y1, x1).
     * Of the normalised images x the result at i is {@code x[partner[i]]} in rows y0 to y1 - 1 and columns x0 to x1 - 1, and {@code weight[i] x[i] + (1 - weight[i]) x[partner[i]]}
     * elsewhere, in F32 and rounded once. So an empty box is mixup (Zhang et al. 2018, arXiv:1710.09412), and a weight of 1 is cutmix (Yun et al. 2019, arXiv:1905.04899), image by
     * image. A box may reach beyond its image. A partner outside of [0, N) counts as an image of zeros.
     *
     * @param normalize of the pixels
     */
    record Mix(Normalize normalize) implements Images, Composite {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            Types.count(this, in, 4);
            TensorType images = bytes(this, in.get(0));
            long n = images.shape().dim(0);
            Types.rank(this, "partners", in.get(1), 1, "(N)");
            Types.dtype(this, "partners", in.get(1), DType.I32);
            Types.equal(this, "partners have the wrong extent", in.get(1).shape().dim(0), n, "pass one partner per image");
            Types.rank(this, "weights", in.get(2), 1, "(N)");
            Types.floating(this, in.subList(2, 3));
            Types.equal(this, "weights have the wrong extent", in.get(2).shape().dim(0), n, "pass one weight per image");
            Types.rank(this, "boxes", in.get(3), 2, "(N, 4)");
            Types.dtype(this, "boxes", in.get(3), DType.I32);
            Types.equal(this, "boxes have the wrong first extent", in.get(3).shape().dim(0), n, "pass one box (y0, x0, y1, x1) per image");
            Types.equal(this, "boxes have the wrong second extent", in.get(3).shape().dim(1), 4, "pass one box (y0, x0, y1, x1) per image");
            return List.of(normalize.channels(this, images));
        }

        @Override
        public Cost cost(List<TensorType> in, List<TensorType> out) {
            return Cost.of(in, out, 6 * out.getFirst().shape().size());
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            Tensor x = normalize.exact(in.get(0));
            long n = x.shape().dim(0);
            // A row of 0s and a 1 picks an image exactly: pixels are finite
            Tensor partner = in.get(1).oneHot(n).matmul(x.reshape(n, x.shape().size() / Math.max(n, 1))).reshape(x.shape().dims());
            Tensor weight = in.get(2).cast(DType.F32).reshape(n, 1, 1, 1);
            Tensor inside = between(in.get(3), 0, x, 1).mul(between(in.get(3), 1, x, 2));
            return List.of(inside.apply(new Pointwise.Select(), partner, x.mul(weight).add(partner.mul(weight.rsub(1)))).cast(normalize.to));
        }

        /** 1 where a coordinate lies within the boxes' columns {@code first} and {@code first + 2}, else 0; broadcast along the other axes. */
        private static Tensor between(Tensor boxes, int first, Tensor x, int axis) {
            long n = x.shape().dim(0);
            int extent = x.shape().intDim(axis);
            Tensor at = x.context().literal(TensorType.f32(1, axis == 1 ? extent : 1, axis == 2 ? extent : 1, 1), IntStream.range(0, extent).mapToDouble(i -> i + 0.5).toArray());
            Tensor from = boxes.slice(1, first, first + 1).cast(DType.F32).reshape(n, 1, 1, 1);
            Tensor to = boxes.slice(1, first + 2, first + 3).cast(DType.F32).reshape(n, 1, 1, 1);
            return at.greater(from).mul(to.greater(at));
        }

        @Override
        public Accuracy accuracy(List<TensorType> in) {
            return Accuracy.matmul(2);
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
        // Of images of 5 x 7 or a little more: none, all, a corner beyond the border, a pixel, the last row
        Operand cut = integers(Shape.of(5, 4), 0, 0, 0, 0, 0, 0, 5, 7, 3, 4, 40, 40, 2, 3, 3, 4, 4, -1, 5, 7);
        Operand strays = integers(Shape.of(5), 0, 1, 5, -1, 7);
        return List.of(
                OpRow.of(Crop.class, "part of each image, possibly mirrored", Sample.of(new Crop(5, 6), images(3, 7, 8, 3), places),
                Sample.of(new Crop(4, 4), images(3, 4, 4, 1), places),
                        Sample.of(new Crop(3, 17), images(3, 9, 33, 4), Operand.integers(DType.I32, -4, 40, 3, 3)))
                        .refuses(new Crop(5, 5), "crop does not fit", TensorType.of(DType.U8, 1, 4, 6, 3), TensorType.of(DType.I32, 1, 3))
                        .refuses(new Crop(2, 2), "places have the wrong first extent", TensorType.of(DType.U8, 2, 4, 6, 3), TensorType.of(DType.I32, 1, 3)),
                OpRow.of(Normalize.class, "x scale[c] + shift[c] of bytes", Sample.of(rgb, images(2, 5, 7, 3)), Sample.of(rgb, images(1, 40, 33, 3)),
                Sample.of(half, images(2, 5, 7, 3)),
                        Sample.of(half, images(1, 16, 16, 3)),
                        Sample.of(brain, images(2, 5, 7, 3)), Sample.of(gray, images(3, 3, 3, 1)), Sample.of(four, images(2, 3, 5, 4)), Sample.of(gray, images(0, 3, 3, 1)))
                        .refuses(rgb, "channels differ", TensorType.of(DType.U8, 1, 2, 2, 4))
                        .refuses(rgb, "element type", TensorType.f32(1, 2, 2, 3)),
                OpRow.of(Augment.class, "crop, flip, normalise", Sample.of(new Augment(rgb, 5, 6), images(3, 7, 8, 3), places),
                        Sample.of(new Augment(rgb, 20, 24), images(3, 24, 30, 3), places), Sample.of(new Augment(half, 20, 24), images(3, 24, 30, 3), places),
                        Sample.of(new Augment(brain, 5, 5), images(3, 7, 8, 3), places), Sample.of(new Augment(four, 2, 3), images(3, 5, 5, 4), places),
                        Sample.of(new Augment(gray, 3, 17), images(3, 9, 33, 1), Operand.integers(DType.I32, -4, 40, 3, 3)))
                        .refuses(new Augment(rgb, 5, 5), "crop does not fit", TensorType.of(DType.U8, 1, 4, 6, 3), TensorType.of(DType.I32, 1, 3)),
                OpRow.of(Mix.class, "normalise, mixup or cutmix", Sample.of(new Mix(rgb), images(4, 5, 7, 3), partners(4), weights(4), boxes(4)),
                        Sample.of(new Mix(rgb), images(4, 6, 48, 3), partners(4), weights(4), boxes(4)),
                        Sample.of(new Mix(half), images(4, 6, 48, 3), partners(4), weights(4), boxes(4)),
                        Sample.of(new Mix(brain), images(4, 5, 7, 3), partners(4), weights(4), boxes(4)),
                        Sample.of(new Mix(four), images(3, 17, 4, 4), partners(3), weights(3), boxes(3)),
                        Sample.of(new Mix(gray), images(3, 9, 33, 1), partners(3), weights(3), boxes(3)),
                        Sample.of(new Mix(rgb), images(5, 5, 7, 3), partners(5), Operand.range(1, 1, 5), cut),
                        Sample.of(new Mix(half), images(5, 6, 8, 3), partners(5), Operand.range(1, 1, 5), cut),
                        Sample.of(new Mix(rgb), images(5, 8, 8, 3), strays, weights(5), cut),
                        Sample.of(new Mix(gray), images(1, 2, 2, 1), partners(1), weights(1), boxes(1)),
                        Sample.of(new Mix(gray), images(0, 3, 3, 1), partners(0), weights(0), boxes(0)))
                        .refuses(new Mix(rgb), "weights have the wrong extent", TensorType.of(DType.U8, 2, 5, 5, 3), TensorType.of(DType.I32, 2), TensorType.f32(3),
                        TensorType.of(DType.I32, 2, 4))
                        .refuses(new Mix(rgb), "boxes have the wrong second extent", TensorType.of(DType.U8, 2, 5, 5, 3), TensorType.of(DType.I32, 2), TensorType.f32(2),
                        TensorType.of(DType.I32, 2, 3)));
    }

    private static Operand images(long... dims) {
        return Operand.integers(DType.U8, 0, 256, dims);
    }

    private static Operand partners(long n) {
        return Operand.labels(n, n);
    }

    private static Operand weights(long n) {
        return Operand.range(0, 1, n);
    }

    private static Operand boxes(long n) {
        return Operand.integers(DType.I32, -2, 9, n, 4);
    }

    private static Operand integers(Shape shape, double... values) {
        return new Operand(TensorType.of(DType.I32, shape.dims()), Operand.Fill.GIVEN, 0, 0, values);
    }
}
