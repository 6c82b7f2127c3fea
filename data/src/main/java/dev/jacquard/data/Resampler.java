package dev.jacquard.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Bilinear resampling with antialiasing, as Pillow's {@code Image.resize(..., BILINEAR)}: a triangle filter whose support is
 * widened by the factor of reduction, applied first along rows, then along columns, with 22-bit fixed-point coefficients and
 * an 8-bit intermediate. Agrees with Pillow within one level (in fact to the bit: PillowTest).
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

    /** A rectangle in whole pixels: left, top, width, height. */
    record Box(int x, int y, int width, int height) {}

    /**
     * Resizes a crop of an image and writes a window of the result.
     *
     * @param image  the source (H, W, 3)
     * @param crop   the part of it that is resized
     * @param width  columns that the whole crop is resized to
     * @param height rows that the whole crop is resized to
     * @param window the part of the resized crop that is written
     * @param flip   whether the window is mirrored left to right
     * @param out    where (window.height, window.width, 3) bytes are written
     * @param offset first byte in {@code out}
     */
    void resize(RgbImage image, Box crop, int width, int height, Box window, boolean flip, MemorySegment out, long offset) {
        columns.compute(crop.width, width, window.x, window.width);
        rows.compute(crop.height, height, window.y, window.height);
        int first = rows.start[0];
        int needed = rows.start[window.height - 1] + rows.count[window.height - 1] - first;
        int lineBytes = window.width * 3;
        narrow = atLeast(narrow, needed * lineBytes);
        for (int y = 0; y < needed; y++) {
            int source = ((crop.y + first + y) * image.width() + crop.x) * 3;
            horizontal(image.pixels(), source, narrow, y * lineBytes, window.width, flip);
        }
        byte[] pixels = narrow;
        if (crop.height != height || needed != window.height) {
            result = atLeast(result, window.height * lineBytes);
            for (int y = 0; y < window.height; y++) {
                vertical(y, (rows.start[y] - first) * lineBytes, lineBytes);
            }
            pixels = result;
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
            target[t] = (byte) (red >> PRECISION); // weights are positive and sum to one: no clipping needed
            target[t + 1] = (byte) (green >> PRECISION);
            target[t + 2] = (byte) (blue >> PRECISION);
        }
    }

    private void vertical(int y, int sourceAt, int lineBytes) {
        int[] weights = rows.weights;
        int k = y * rows.taps;
        int count = rows.count[y];
        byte[] source = narrow;
        byte[] target = result;
        int targetAt = y * lineBytes;
        for (int x = 0; x < lineBytes; x++) {
            int sum = 1 << PRECISION - 1;
            int p = sourceAt + x;
            for (int i = 0; i < count; i++, p += lineBytes) {
                sum += (source[p] & 0xFF) * weights[k + i];
            }
            target[targetAt + x] = (byte) (sum >> PRECISION);
        }
    }

    private static byte[] atLeast(byte[] array, int length) {
        return array.length >= length ? array : new byte[length];
    }

    /** The filter along one axis: for each output position the first input position, how many, and their weights. */
    private static final class Axis {
        private int[] start = new int[0];
        private int[] count = new int[0];
        private int[] weights = new int[0]; // (outputs, taps), fixed point
        private double[] exact = new double[0]; // (taps)
        private int taps;

        /** Fills the tables for outputs {@code from} to {@code from + outputs - 1} of a resize from {@code in} to {@code out}. */
        void compute(int in, int out, int from, int outputs) {
            double scale = (double) in / out;
            double stretch = Math.max(scale, 1);
            taps = (int) Math.ceil(stretch) * 2 + 1;
            if (start.length < outputs) {
                start = new int[outputs];
                count = new int[outputs];
            }
            if (weights.length < outputs * taps) {
                weights = new int[outputs * taps];
            }
            if (exact.length < taps) {
                exact = new double[taps];
            }
            for (int i = 0; i < outputs; i++) {
                double center = (from + i + 0.5) * scale;
                int low = Math.max((int) (center - stretch + 0.5), 0);
                int high = Math.min((int) (center + stretch + 0.5), in);
                double sum = 0;
                for (int k = 0; k < high - low; k++) {
                    double distance = Math.abs((k + low - center + 0.5) / stretch);
                    exact[k] = Math.max(1 - distance, 0);
                    sum += exact[k];
                }
                start[i] = low;
                count[i] = high - low;
                for (int k = 0; k < high - low; k++) {
                    weights[i * taps + k] = (int) (0.5 + exact[k] / sum * (1 << PRECISION));
                }
            }
        }
    }
}
