package dev.jacquard.data;

import dev.jacquard.data.Resampler.Box;
import dev.jacquard.tensor.CallerException;
import java.lang.foreign.MemorySegment;

/**
 * From a decoded image of any size to a square of 8-bit RGB (size, size, 3). Immutable data; the loader's
 * threads carry it out.
 */
public sealed interface Transform {
    /** Height and width of the result. */
    int size();

    /**
     * For training: a random part of the image, resized to the square, mirrored with probability 1/2. The part is chosen as
     * torchvision's {@code RandomResizedCrop} does: up to ten attempts at an area of {@code [minScale, maxScale]} of the image's and
     * an aspect ratio (width / height) of {@code [minRatio, maxRatio]}, uniform in its logarithm; then the largest centred part
     * of an allowed ratio.
     *
     * @param size     height and width of the result
     * @param minScale least part of the area, in (0, 1]
     * @param maxScale largest part of the area, in (0, 1]
     * @param minRatio least width / height
     * @param maxRatio largest width / height
     * @param flip     whether mirroring takes place at all
     */
    record Train(int size, double minScale, double maxScale, double minRatio, double maxRatio, boolean flip) implements Transform {
        /** Checks the ranges. @throws CallerException if one is empty or out of bounds */
        public Train {
            requireSize(size);
            if (!(minScale > 0 && minScale <= maxScale && maxScale <= 1)) {
                throw new CallerException("training transform", "bad range of scales", minScale + " to " + maxScale, "0 < least <= largest <= 1", "correct the range");
            }
            if (!(minRatio > 0 && minRatio <= maxRatio && maxRatio < Double.POSITIVE_INFINITY)) {
                throw new CallerException("training transform", "bad range of aspect ratios", minRatio + " to " + maxRatio, "0 < least <= largest", "correct the range");
            }
        }

        /** ImageNet's usual: scale 0.08 to 1, ratio 3/4 to 4/3, mirrored by chance. */
        public static Train imagenet(int size) {
            return of(size, 0.08);
        }

        /** As {@link #imagenet} with another least scale; small pictures want a gentler crop (0.6, say). */
        public static Train of(int size, double minScale) {
            return new Train(size, minScale, 1, 3.0 / 4, 4.0 / 3, true);
        }

        /** Draws the part and the mirroring, and writes (size, size, 3) at {@code offset}. */
        void apply(RgbImage image, SampleRandom random, Resampler resampler, MemorySegment out, long offset) {
            Box crop = crop(image.width(), image.height(), random);
            boolean mirrored = flip && random.nextDouble() < 0.5;
            resampler.resize(image, crop, size, size, new Box(0, 0, size, size), mirrored, out, offset);
        }

        /** The part to cut out of an image of this width and height. */
        Box crop(int width, int height, SampleRandom random) {
            double area = (double) width * height;
            double logMin = Math.log(minRatio);
            double logMax = Math.log(maxRatio);
            for (int attempt = 0; attempt < 10; attempt++) {
                double target = area * random.uniform(minScale, maxScale);
                double ratio = Math.exp(random.uniform(logMin, logMax));
                int w = (int) Math.rint(Math.sqrt(target * ratio));
                int h = (int) Math.rint(Math.sqrt(target / ratio));
                if (w > 0 && w <= width && h > 0 && h <= height) {
                    int y = random.nextInt(height - h + 1);
                    int x = random.nextInt(width - w + 1);
                    return new Box(x, y, w, h);
                }
            }
            double ratio = (double) width / height;
            int w = ratio > maxRatio ? Math.max((int) Math.rint(height * maxRatio), 1) : width;
            int h = ratio < minRatio ? Math.max((int) Math.rint(width / minRatio), 1) : height;
            return new Box((width - w) / 2, (height - h) / 2, w, h);
        }
    }

    /**
     * For evaluation: the shorter side resized to {@code resize}, then the centre cut out, as torchvision's {@code Resize} and
     * {@code CenterCrop}. An image that is exactly size x size already is passed on as it is.
     *
     * @param size   height and width of the result
     * @param resize length of the shorter side before cutting; at least {@code size}
     */
    record Eval(int size, int resize) implements Transform {
        /** Checks the sizes. @throws CallerException if {@code resize} is below {@code size} */
        public Eval {
            requireSize(size);
            if (resize < size) {
                throw new CallerException("evaluation transform", "resized image smaller than the cut", Integer.toString(resize), "at least " + size, "raise resize or lower size");
            }
        }

        /** ImageNet's usual proportion, 256 to 224: {@code resize = round(size * 256 / 224)}. */
        public static Eval of(int size) {
            return new Eval(size, (int) Math.round(size * 256.0 / 224));
        }

        /** Writes (size, size, 3) at {@code offset}. */
        void apply(RgbImage image, Resampler resampler, MemorySegment out, long offset) {
            int w = image.width();
            int h = image.height();
            int width = w;
            int height = h;
            if (w != size || h != size) {
                width = w <= h ? resize : (int) ((long) resize * w / h);
                height = w <= h ? (int) ((long) resize * h / w) : resize;
            }
            Box window = new Box((int) Math.rint((width - size) / 2.0), (int) Math.rint((height - size) / 2.0), size, size);
            resampler.resize(image, new Box(0, 0, w, h), width, height, window, false, out, offset);
        }
    }

    private static void requireSize(int size) {
        if (size < 1 || size > 4096) {
            throw new CallerException("transform", "bad image size", Integer.toString(size), "1 to 4096", "give another size");
        }
    }
}
