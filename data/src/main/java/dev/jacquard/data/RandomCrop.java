package dev.jacquard.data;

import dev.jacquard.data.Resampler.Box;
import dev.jacquard.tensor.CallerException;

/**
 * The random part of an image that training sees: ranges of its area and shape, and how a system draws within them.
 *
 * @param sampling how the part is drawn
 * @param minArea  least share of the image's area, in (0, 1]
 * @param maxArea  largest share of the image's area, in (0, 1]
 * @param minRatio least width / height
 * @param maxRatio largest width / height
 */
public record RandomCrop(Sampling sampling, double minArea, double maxArea, double minRatio, double maxRatio) {
    /** torchvision's {@code RandomResizedCrop} as it comes: area 0.08 to 1, ratio 3/4 to 4/3. */
    public static final RandomCrop TORCHVISION = new RandomCrop(Sampling.TORCHVISION, 0.08, 1, 3.0 / 4, 4.0 / 3);
    /** NVIDIA's DALI pipelines for PyTorch and Paddle: the same ranges, drawn DALI's way. */
    public static final RandomCrop DALI = new RandomCrop(Sampling.DALI, 0.08, 1, 3.0 / 4, 4.0 / 3);
    /** NVIDIA's TensorFlow 2 pipeline: area 0.05 to 1, ratio 0.75 to 1.33. */
    public static final RandomCrop TENSORFLOW = new RandomCrop(Sampling.TENSORFLOW, 0.05, 1, 0.75, 1.33);

    /** How a part is drawn; each gives up after some attempts. */
    public enum Sampling {
        /** Ten attempts: area uniform, ratio uniform in its logarithm; then the largest centred part of an allowed ratio. */
        TORCHVISION,
        /** A hundred attempts: area uniform, ratio uniform as w/h or, by the toss of a coin, as h/w; then the largest centred square. */
        DALI,
        /**
         * {@code sample_distorted_bounding_box} with the whole image as the one object, of which 0.1 must be covered: a hundred
         * attempts with the ratio uniform and the height uniform between those of the least and the largest area; then the whole image.
         * A part that does not span the image never touches its right or lower border: the last position is not drawn.
         */
        TENSORFLOW
    }

    private static final float OBJECT_COVERED = 0.1f;

    /** Checks the ranges. @throws CallerException if one is empty or out of bounds */
    public RandomCrop {
        if (!(minArea > 0 && minArea <= maxArea && maxArea <= 1)) {
            throw new CallerException("random crop", "bad range of areas", minArea + " to " + maxArea, "0 < least <= largest <= 1", "correct the range");
        }
        if (!(minRatio > 0 && minRatio <= maxRatio && maxRatio < Double.POSITIVE_INFINITY)) {
            throw new CallerException("random crop", "bad range of aspect ratios", minRatio + " to " + maxRatio, "0 < least <= largest", "correct the range");
        }
    }

    /** This, with another range of areas. */
    public RandomCrop area(double min, double max) {
        return new RandomCrop(sampling, min, max, minRatio, maxRatio);
    }

    /** This, with another range of width / height. */
    public RandomCrop ratio(double min, double max) {
        return new RandomCrop(sampling, minArea, maxArea, min, max);
    }

    /** The part to cut out of an image of this width and height. */
    Box draw(int width, int height, SampleRandom random) {
        return switch (sampling) {
            case TORCHVISION -> torchvision(width, height, random);
            case DALI -> dali(width, height, random);
            case TENSORFLOW -> tensorflow(width, height, random);
        };
    }

    private Box torchvision(int width, int height, SampleRandom random) {
        double area = (double) width * height;
        double logMin = Math.log(minRatio);
        double logMax = Math.log(maxRatio);
        for (int attempt = 0; attempt < 10; attempt++) {
            double target = area * random.uniform(minArea, maxArea);
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

    private Box dali(int width, int height, SampleRandom random) {
        double area = (double) width * height;
        for (int attempt = 0; attempt < 100; attempt++) {
            double target = area * random.uniform(minArea, maxArea);
            boolean inverted = random.nextDouble() < 0.5;
            double ratio = inverted ? 1 / random.uniform(1 / maxRatio, 1 / minRatio) : random.uniform(minRatio, maxRatio);
            int w = (int) Math.round(Math.sqrt(target * ratio));
            int h = (int) Math.round(Math.sqrt(target / ratio));
            if (w > 0 && w <= width && h > 0 && h <= height) {
                int x = (int) (random.nextDouble() * (width - w));
                int y = (int) (random.nextDouble() * (height - h));
                return new Box(x, y, w, h);
            }
        }
        int side = Math.min(width, height);
        return new Box((width - side) / 2, (height - side) / 2, side, side);
    }

    private Box tensorflow(int width, int height, SampleRandom random) {
        for (int attempt = 0; attempt < 100; attempt++) {
            float ratio = (float) random.uniform((float) minRatio, (float) maxRatio);
            Box box = ofRatio(width, height, ratio, random);
            if (box != null && (float) box.width() * box.height() / ((float) width * height) >= OBJECT_COVERED) {
                return box;
            }
        }
        return new Box(0, 0, width, height);
    }

    /** A part of one ratio: the height is uniform, the width follows; null if rounding leaves the range of areas. */
    private Box ofRatio(int width, int height, float ratio, SampleRandom random) {
        float least = (float) minArea * width * height;
        float largest = (float) maxArea * width * height;
        int h = rounded(Math.sqrt(least / ratio));
        int tallest = rounded(Math.sqrt(largest / ratio));
        if (rounded(tallest * ratio) > width) {
            tallest = (int) ((width + 0.5f - 1e-7f) / ratio);
            tallest -= rounded(tallest * ratio) > width ? 1 : 0;
        }
        tallest = Math.min(tallest, height);
        h = h >= tallest ? tallest : h + random.nextInt(tallest - h + 1);
        int w = rounded(h * ratio);
        if ((float) w * h < least) {
            w = rounded(++h * ratio);
        }
        if ((float) w * h > largest) {
            w = rounded(--h * ratio);
        }
        float area = (float) w * h;
        if (area < least || area > largest || w > width || h > height || w < 1 || h < 1) {
            return null;
        }
        int y = h < height ? random.nextInt(height - h) : 0;
        int x = w < width ? random.nextInt(width - w) : 0;
        return new Box(x, y, w, h);
    }

    private static int rounded(double value) {
        return (int) Math.rint((float) value);
    }
}
