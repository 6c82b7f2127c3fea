package dev.jacquard.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Resizes. Filters of more than two taps go as in Pillow's {@code Image.resize}: first along rows, then along columns, with 22-bit
 * fixed-point coefficients and an 8-bit intermediate; {@link Interpolation#BILINEAR} and {@link Interpolation#BICUBIC} agree with Pillow to the
 * bit (PillowTest). Two by two pixels are mixed in one go, in F32, as TensorFlow does.
 *
 * <p>Cropping is fused: only the crop is read, its borders are the filter's borders (crop, then resize), and only the wanted
 * window of the result is computed (resize, then crop).
 *
 * <p>Keeps its scratch arrays between calls. Not thread-safe: one per thread.
 */
final class Resampler {
    private static final int PRECISION = 22; // 32 bits, less 8 of the pixel, less 2 of headroom

    private final Axis columns = new Axis();
    private final Axis rows = new Axis();
    private byte[] narrow = new byte[0]; // (rows needed, window width, 3)
    private byte[] result = new byte[0]; // (window height, window width, 3)
    private int[] sums = new int[0]; // (window width, 3), of one line, fixed point

    /** A rectangle in whole pixels: left, top, width, height. */
    record Box(int x, int y, int width, int height) {}

    /**
     * What to do with an image: resize a crop of it and keep a window of the result.
     *
     * @param crop          the part of the image that is resized
     * @param width         columns that the whole crop is resized to
     * @param height        rows that the whole crop is resized to
     * @param window        the part of the resized crop that is written
     * @param flip          whether the window is mirrored left to right
     * @param interpolation how
     * @param truncate      whether values are rounded down, not to the nearest level; for two by two pixels only
     */
    record Job(Box crop, int width, int height, Box window, boolean flip, Interpolation interpolation, boolean truncate) {}

    /**
     * Does a job on a decoded part of an image.
     *
     * @param picture covers what the job reads, not reduced
     * @param job     what to do, in coordinates of the whole image
     * @param out     where (window.height, window.width, 3) bytes are written
     * @param offset  first byte in {@code out}
     */
    void resize(Picture picture, Job job, MemorySegment out, long offset) {
        Box part = picture.covered();
        Box crop = new Box(job.crop.x - part.x, job.crop.y - part.y, job.crop.width, job.crop.height);
        resize(picture.pixels(), picture.width(), new Job(crop, job.width, job.height, job.window, job.flip, job.interpolation, job.truncate), out, offset);
    }

    /**
     * Does a job.
     *
     * @param image  the source (H, W, 3)
     * @param job    what to do
     * @param out    where (window.height, window.width, 3) bytes are written
     * @param offset first byte in {@code out}
     */
    void resize(RgbImage image, Job job, MemorySegment out, long offset) {
        resize(image.pixels(), image.width(), job, out, offset);
    }

    private void resize(byte[] source, int stride, Job job, MemorySegment out, long offset) {
        Box crop = job.crop;
        Box window = job.window;
        int lineBytes = window.width * 3;
        byte[] pixels;
        if (job.interpolation.isTwoTap()) {
            pixels = result = atLeast(result, window.height * lineBytes);
            twoByTwo(source, stride, job);
        } else {
            columns.compute(crop.width, job.width, window.x, window.width, job.interpolation);
            rows.compute(crop.height, job.height, window.y, window.height, job.interpolation);
            int first = rows.start[0];
            int needed = rows.start[window.height - 1] + rows.count[window.height - 1] - first;
            narrow = atLeast(narrow, needed * lineBytes);
            for (int y = 0; y < needed; y++) {
                int at = ((crop.y + first + y) * stride + crop.x) * 3;
                horizontal(source, at, narrow, y * lineBytes, window.width, job.flip);
            }
            pixels = narrow;
            if (crop.height != job.height || needed != window.height) {
                pixels = result = atLeast(result, window.height * lineBytes);
                for (int y = 0; y < window.height; y++) {
                    vertical(y, (rows.start[y] - first) * lineBytes, lineBytes);
                }
            }
        }
        MemorySegment.copy(pixels, 0, out, ValueLayout.JAVA_BYTE, offset, window.height * lineBytes);
    }

    private void horizontal(byte[] source, int sourceAt, byte[] target, int targetAt, int width, boolean flip) {
        int[] weights = columns.weights;
        for (int x = 0; x < width; x++) {
            int red = 1 << PRECISION - 1;
            int green = red;
            int blue = red;
            int k = x * columns.taps;
            int p = sourceAt + columns.start[x] * 3;
            for (int i = columns.count[x]; i > 0; i--, k++, p += 3) {
                int w = weights[k];
                red += (source[p] & 0xFF) * w;
                green += (source[p + 1] & 0xFF) * w;
                blue += (source[p + 2] & 0xFF) * w;
            }
            int t = targetAt + (flip ? width - 1 - x : x) * 3;
            red >>= PRECISION;
            green >>= PRECISION;
            blue >>= PRECISION;
            if ((red | green | blue) >>> 8 != 0) { // cubic weights are negative in places, so that a sum may leave the range
                red = Math.clamp(red, 0, 255);
                green = Math.clamp(green, 0, 255);
                blue = Math.clamp(blue, 0, 255);
            }
            target[t] = (byte) red;
            target[t + 1] = (byte) green;
            target[t + 2] = (byte) blue;
        }
    }

    private void vertical(int y, int sourceAt, int lineBytes) {
        int[] weights = rows.weights;
        int k = y * rows.taps;
        int count = rows.count[y];
        byte[] source = narrow;
        byte[] target = result;
        int targetAt = y * lineBytes;
        sums = sums.length >= lineBytes ? sums : new int[lineBytes];
        int[] line = sums;
        Arrays.fill(line, 0, lineBytes, 1 << PRECISION - 1);
        for (int i = 0; i < count; i++) { // a tap at a time, in a loop that the compiler makes vectors of
            int w = weights[k + i];
            int p = sourceAt + i * lineBytes;
            for (int x = 0; x < lineBytes; x++) {
                line[x] += (source[p + x] & 0xFF) * w;
            }
        }
        for (int x = 0; x < lineBytes; x++) {
            target[targetAt + x] = (byte) Math.clamp(line[x] >> PRECISION, 0, 255);
        }
    }

    /**
     * Mixes two by two pixels per result. Mirrors the source, not the result: TensorFlow does so, and with {@link Interpolation#BILINEAR_TF1} it
     * makes a difference.
     */
    private void twoByTwo(byte[] pixels, int stride, Job job) {
        Box crop = job.crop;
        Box window = job.window;
        boolean corners = job.interpolation == Interpolation.BILINEAR_TF1;
        columns.pairs(crop.width, job.width, job.flip ? job.width - window.x - window.width : window.x, window.width, corners);
        rows.pairs(crop.height, job.height, window.y, window.height, corners);
        byte[] target = result;
        float bias = job.truncate ? 0 : 0.5f;
        int mirror = job.flip ? crop.width - 1 : 0; // column c of the mirrored crop is column |mirror - c| of the crop
        for (int y = 0, t = 0; y < window.height; y++) {
            int top = ((crop.y + rows.start[y]) * stride + crop.x) * 3;
            int bottom = ((crop.y + rows.count[y]) * stride + crop.x) * 3;
            float down = rows.fraction[y];
            for (int x = 0; x < window.width; x++) {
                int left = Math.abs(mirror - columns.start[x]) * 3;
                int right = Math.abs(mirror - columns.count[x]) * 3;
                float across = columns.fraction[x];
                for (int c = 0; c < 3; c++) {
                    float upper = mixed(pixels[top + left + c], pixels[top + right + c], across);
                    float lower = mixed(pixels[bottom + left + c], pixels[bottom + right + c], across);
                    target[t++] = (byte) (int) (upper + (lower - upper) * down + bias);
                }
            }
        }
    }

    private static float mixed(byte a, byte b, float share) {
        float from = a & 0xFF;
        return from + ((b & 0xFF) - from) * share;
    }

    private static byte[] atLeast(byte[] array, int length) {
        return array.length >= length ? array : new byte[length];
    }

    /** The filter along one axis: for each output position the first input position, how many, and their weights. */
    private static final class Axis {
        private int[] start = new int[0];
        private int[] count = new int[0]; // of pairs: the second position
        private float[] fraction = new float[0]; // of pairs: the second position's share
        private int[] weights = new int[0]; // (outputs, taps), fixed point
        private double[] exact = new double[0]; // (taps)
        private int taps;

        /** Fills the tables for outputs {@code from} to {@code from + outputs - 1} of a resize from {@code in} to {@code out}. */
        void compute(int in, int out, int from, int outputs, Interpolation filter) {
            double scale = (double) in / out;
            double stretch = filter.antialias ? Math.max(scale, 1) : 1;
            double support = filter.support * stretch;
            taps = (int) Math.ceil(support) * 2 + 1;
            reserve(outputs);
            if (weights.length < outputs * taps) {
                weights = new int[outputs * taps];
            }
            if (exact.length < taps) {
                exact = new double[taps];
            }
            for (int i = 0; i < outputs; i++) {
                double center = (from + i + 0.5) * scale;
                int first = (int) Math.floor(center - support + 0.5);
                int end = (int) (center + support + 0.5);
                int low = Math.max(first, 0);
                int high = Math.min(end, in);
                Arrays.fill(exact, 0, high - low, 0);
                double sum = 0;
                for (int k = first; k < end; k++) {
                    boolean inside = k >= low && k < high;
                    if (inside || !filter.antialias) { // Pillow leaves out what is outside, DALI repeats the border
                        double weight = filter.weight(Math.abs((k - center + 0.5) * (1 / stretch)));
                        exact[Math.clamp(k, low, high - 1) - low] += weight;
                        sum += weight;
                    }
                }
                start[i] = low;
                count[i] = high - low;
                for (int k = 0; k < high - low; k++) {
                    double weight = exact[k] / sum * (1 << PRECISION);
                    weights[i * taps + k] = (int) (weight < 0 ? weight - 0.5 : weight + 0.5);
                }
            }
        }

        /** As {@link #compute}, for two taps: the two positions and the share of the second. */
        void pairs(int in, int out, int from, int outputs, boolean corners) {
            reserve(outputs);
            float scale = (float) in / out;
            for (int i = 0; i < outputs; i++) {
                float at = corners ? (from + i) * scale : (from + i + 0.5f) * scale - 0.5f;
                float floor = (float) Math.floor(at);
                start[i] = Math.clamp((int) floor, 0, in - 1);
                count[i] = Math.clamp((int) floor + 1, 0, in - 1);
                fraction[i] = at - floor;
            }
        }

        private void reserve(int outputs) {
            if (start.length < outputs) {
                start = new int[outputs];
                count = new int[outputs];
                fraction = new float[outputs];
            }
        }
    }
}
