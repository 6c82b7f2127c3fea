package dev.jacquard.data;

import dev.jacquard.data.Resampler.Box;
import dev.jacquard.data.Resampler.Job;
import dev.jacquard.tensor.CallerException;

/**
 * From a decoded image of any size to a square of 8-bit RGB (size, size, 3). Immutable data; the loader's
 * threads carry it out.
 *
 * <pre>{@code
 * Transform.Train.imagenet(224)                                                          // random resized crop and flip, bilinear
 * Transform.Train.imagenet(224).with(Interpolation.BICUBIC).with(Augmentation.autoAugment(OperationRules.PYTORCH))
 * Transform.Train.tensorflow(300).with(Augmentation.randAugment(2, 15))
 * Transform.Eval.pytorch(224)
 * }</pre>
 */
public sealed interface Transform {
    /** Height and width of the result. */
    int size();

    /**
     * For training: a random part of the image, resized to the square, mirrored by chance, then augmented.
     *
     * @param size          height and width of the result
     * @param crop          which part
     * @param flip          probability of mirroring left to right, 0 to 1
     * @param interpolation how the part is resized
     * @param augmentation  what happens to the square afterwards
     */
    record Train(int size, RandomCrop crop, double flip, Interpolation interpolation, Augmentation augmentation) implements Transform {
        /** Checks the ranges. @throws CallerException if a value is out of bounds */
        public Train {
            requireSize(size);
            if (!(flip >= 0 && flip <= 1)) {
                throw new CallerException("training transform", "bad probability of mirroring", Double.toString(flip), "0 to 1", "correct it");
            }
        }

        /** ImageNet's usual, and NVIDIA's PyTorch loader: torchvision's crop (area 0.08 to 1), mirrored by chance, bilinear, not augmented. */
        public static Train imagenet(int size) {
            return new Train(size, RandomCrop.TORCHVISION, 0.5, Interpolation.BILINEAR, Augmentation.NONE);
        }

        /** As {@link #imagenet} with another least area; small pictures want a gentler crop (0.6, say). */
        public static Train of(int size, double minArea) {
            return of(size, minArea, 1);
        }

        /** As {@link #imagenet} with another range of areas. */
        public static Train of(int size, double minArea, double maxArea) {
            return imagenet(size).with(RandomCrop.TORCHVISION.area(minArea, maxArea));
        }

        /** NVIDIA's DALI pipeline for PyTorch: DALI's crop, bilinear without antialiasing. */
        public static Train dali(int size) {
            return new Train(size, RandomCrop.DALI, 0.5, Interpolation.BILINEAR_ALIASED, Augmentation.NONE);
        }

        /** NVIDIA's TensorFlow pipeline: TensorFlow's crop and resize. */
        public static Train tensorflow(int size) {
            return new Train(size, RandomCrop.TENSORFLOW, 0.5, Interpolation.BILINEAR_TF1, Augmentation.NONE);
        }

        /** NVIDIA's Paddle pipeline: DALI's crop, bilinear with antialiasing (DALI's default, which the program leaves as it is). */
        public static Train paddle(int size) {
            return new Train(size, RandomCrop.DALI, 0.5, Interpolation.BILINEAR, Augmentation.NONE);
        }

        /** This, with another rule for the part. */
        public Train with(RandomCrop other) {
            return new Train(size, other, flip, interpolation, augmentation);
        }

        /** This, with another interpolation. */
        public Train with(Interpolation other) {
            return new Train(size, crop, flip, other, augmentation);
        }

        /** This, with another augmentation. */
        public Train with(Augmentation other) {
            return new Train(size, crop, flip, interpolation, other);
        }

        /** This, with another probability of mirroring; 0 for never. */
        public Train flipping(double probability) {
            return new Train(size, crop, probability, interpolation, augmentation);
        }

        /** Draws the part and the mirroring for an image of this width and height. */
        Job job(int width, int height, SampleRandom random) {
            Box part = crop.draw(width, height, random);
            boolean mirrored = flip > 0 && random.nextDouble() < flip;
            // TensorFlow cuts its floats down to 8 bits when it augments; otherwise it keeps them, and rounding is nearest to that.
            boolean truncated = interpolation == Interpolation.BILINEAR_TF1 && !(augmentation instanceof Augmentation.None);
            return new Job(part, size, size, new Box(0, 0, size, size), mirrored, interpolation, truncated);
        }
    }

    /**
     * For evaluation: the middle of the image, always the same. An image that is exactly size x size already is passed on as it is,
     * whatever the rule: all systems would enlarge it and cut its border off, which is of no use with pictures made for the network (CIFAR).
     *
     * @param size          height and width of the result
     * @param rule          which part
     * @param interpolation how it is resized
     */
    record Eval(int size, Rule rule, Interpolation interpolation) implements Transform {
        /** Which part of the image is evaluated. */
        public sealed interface Rule {}

        /**
         * The shorter side resized to {@code length}, the other in proportion, then the middle cut out.
         *
         * @param length   the shorter side before cutting; at least the size of the result
         * @param rounding of the other side and of the cut's place
         */
        public record ShorterSide(int length, Rounding rounding) implements Rule {}

        /** How sizes and places become whole pixels; results differ by a pixel at most. */
        public enum Rounding {
            /** torchvision's {@code Resize} and {@code CenterCrop}: sides are rounded down, places to the nearest, halves to even. */
            TORCHVISION,
            /** DALI's {@code resize_shorter} and crop: to the nearest, halves up. */
            DALI
        }

        /**
         * A centred square of side {@code min(h, w) * size / (size + padding)}, rounded down, resized to size: TensorFlow's EfficientNet.
         *
         * @param padding how much larger the image is thought to be than the result; 0 or more
         */
        public record CentreSquare(int padding) implements Rule {}

        /** The whole image, its shape changed to the square: NVIDIA's TensorFlow {@code predict} mode. */
        public record Whole() implements Rule {}

        /** Checks the sizes. @throws CallerException if the rule does not suit the size */
        public Eval {
            requireSize(size);
            if (rule instanceof ShorterSide s && s.length < size) {
                throw new CallerException("evaluation transform", "resized image smaller than the cut", Integer.toString(s.length), "at least " + size,
                        "raise resize or lower size");
            }
            if (rule instanceof CentreSquare c && c.padding < 0) {
                throw new CallerException("evaluation transform", "negative padding", Integer.toString(c.padding), "0 or more", "32 is usual");
            }
        }

        /** torchvision's proportion, 256 to 224: the shorter side becomes {@code round(size * 256 / 224)}; bilinear. */
        public static Eval of(int size) {
            return shorterSide(size, (int) Math.round(size * 256.0 / 224));
        }

        /** The shorter side resized to {@code length}, the middle cut out, as torchvision does; bilinear. */
        public static Eval shorterSide(int size, int length) {
            return new Eval(size, new ShorterSide(length, Rounding.TORCHVISION), Interpolation.BILINEAR);
        }

        /** NVIDIA's PyTorch loader: the shorter side becomes size + 32; bilinear. */
        public static Eval pytorch(int size) {
            return shorterSide(size, size + 32);
        }

        /** NVIDIA's DALI pipeline for PyTorch: the shorter side becomes size + 32, bilinear without antialiasing. */
        public static Eval dali(int size) {
            return new Eval(size, new ShorterSide(size + 32, Rounding.DALI), Interpolation.BILINEAR_ALIASED);
        }

        /** NVIDIA's Paddle pipeline: the shorter side becomes {@code length} (256 for 224); bilinear with antialiasing, DALI's default. */
        public static Eval paddle(int size, int length) {
            return new Eval(size, new ShorterSide(length, Rounding.DALI), Interpolation.BILINEAR);
        }

        /** NVIDIA's TensorFlow pipeline: the centred square with a padding of 32. */
        public static Eval tensorflow(int size) {
            return new Eval(size, new CentreSquare(32), Interpolation.BILINEAR_TF1);
        }

        /** This, with another interpolation. */
        public Eval with(Interpolation other) {
            return new Eval(size, rule, other);
        }

        /** What to do with an image of this width and height. */
        Job job(int width, int height) {
            Box all = new Box(0, 0, width, height);
            if (width == size && height == size) {
                return new Job(all, size, size, all, false, interpolation, false);
            }
            return switch (rule) {
                case ShorterSide s -> {
                    boolean nearest = s.rounding == Rounding.DALI;
                    int longer = (int) (((long) s.length * Math.max(width, height) + (nearest ? Math.min(width, height) / 2 : 0)) / Math.min(width, height));
                    int w = width <= height ? s.length : longer;
                    int h = width <= height ? longer : s.length;
                    yield new Job(all, w, h, new Box(middle(w - size, nearest), middle(h - size, nearest), size, size), false, interpolation, false);
                }
                case CentreSquare c -> {
                    int side = Math.max((int) ((float) ((double) size / (size + c.padding)) * Math.min(width, height)), 1);
                    yield squeezed(new Box((width - side + 1) / 2, (height - side + 1) / 2, side, side));
                }
                case Whole _ -> squeezed(all);
            };
        }

        private static int middle(int slack, boolean halvesUp) {
            return halvesUp ? (slack + 1) / 2 : (int) Math.rint(slack / 2.0);
        }

        private Job squeezed(Box part) {
            return new Job(part, size, size, new Box(0, 0, size, size), false, interpolation, false);
        }
    }

    private static void requireSize(int size) {
        if (size < 1 || size > 4096) {
            throw new CallerException("transform", "bad image size", Integer.toString(size), "1 to 4096", "give another size");
        }
    }
}
