package dev.jacquard.data;

import dev.jacquard.data.ResampleAxis.Span;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Resizes. Filters of more than two taps go as in Pillow's {@code Image.resize}: first along rows, then along columns, with 22-bit
 * fixed-point coefficients and an 8-bit intermediate; {@link Interpolation#BILINEAR} and {@link Interpolation#BICUBIC} agree with Pillow to the
 * bit (PillowTest). Two by two pixels are mixed in one go, in F32, as TensorFlow does.
 *
 * <p>Cropping is fused: only the crop is read, its borders are the filter's borders (crop, then resize), and only the wanted
 * window of the result is computed (resize, then crop). Of a picture that is reduced, the crop need not lie on whole pixels.
 *
 * <p>A row is made narrow when a row of the result first needs it, and few of them are kept. Pixels are gathered as whole words, two of them with one read; all
 * arithmetic is in loops that the compiler makes vectors of: arrays of one kind, indices without offsets, one channel and at most two taps in a body.
 *
 * <p>Keeps its scratch arrays between calls. Not thread-safe: one per thread.
 */
final class Resampler {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int PRECISION = ResampleAxis.PRECISION;
    private static final int HALF = 1 << PRECISION - 1;
    private final ResampleAxis columns = new ResampleAxis();
    private final ResampleAxis rows = new ResampleAxis();
    private int[][][] narrow = new int[0][][]; // some rows, made narrow: (rows)(3)(window width)
    private int[][] gathered = new int[0][]; // (taps)(window width): pixels of four bytes, the last of them not theirs
    private int[][] planes = new int[3][0]; // (3)(window width): a row of the result
    private int[] packed = new int[0]; // (window width)
    private final float[][] mixed = {new float[0], new float[0]}; // of two by two pixels: a row between the columns
    private int[] levels = new int[0]; // of two by two pixels: (window width, 3)
    private byte[] result = new byte[0]; // (window height, window width, 3)
    private byte[] lastRow = new byte[0];

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

    /** Pixels that are read, {@code stride} of them in a row, and the number of bytes that may be read. */
    private record Source(byte[] pixels, int stride, int height) {
        /** First byte of a row. */
        int row(int y) {
            return y * stride * 3;
        }
    }

    /**
     * Does a job on a decoded part of an image.
     *
     * @param picture covers what the job reads; may be reduced
     * @param job     what to do, in coordinates of the whole image
     * @param out     where (window.height, window.width, 3) bytes are written
     * @param offset  first byte in {@code out}
     */
    void resize(Picture picture, Job job, MemorySegment out, long offset) {
        resize(new Source(picture.pixels(), picture.width(), picture.height()), picture.left(), picture.top(), picture.reduction(), job, out, offset);
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
        resize(new Source(image.pixels(), image.width(), image.height()), 0, 0, 1, job, out, offset);
    }

    private void resize(Source source, int left, int top, int reduction, Job job, MemorySegment out, long offset) {
        Box crop = job.crop;
        Box window = job.window;
        boolean mirroredFirst = job.flip && job.interpolation.isTwoTap();
        int from = mirroredFirst ? job.width - window.x - window.width : window.x;
        Span across = new Span(crop.x - left, crop.width, reduction, job.width, from, window.width);
        Span down = new Span(crop.y - top, crop.height, reduction, job.height, window.y, window.height);
        int bytes = window.height * window.width * 3;
        if (result.length < bytes + 1) { // pixels are written with a byte too many
            result = new byte[bytes + 1];
        }
        if (job.interpolation.isTwoTap()) {
            twoByTwo(source, job, across, down);
        } else {
            filter(source, job, across, down);
        }
        MemorySegment.copy(result, 0, out, ValueLayout.JAVA_BYTE, offset, bytes);
    }

    private void filter(Source source, Job job, Span across, Span down) {
        columns.compute(across, job.interpolation, job.flip);
        rows.compute(down, job.interpolation, false);
        int width = across.outputs();
        int taps = rows.taps;
        reserve(width);
        int reach = (columns.last + columns.taps) * 3 + Long.BYTES;
        int done = Integer.MIN_VALUE;
        for (int y = 0; y < down.outputs(); y++) {
            int first = rows.start[y];
            int end = Math.min(first + taps, source.height);
            for (int r = Math.max(done, first); r < end; r++) {
                int at = source.row(r);
                byte[] pixels = source.pixels;
                if (at + reach > pixels.length) { // whole words are read, which would reach past the array
                    pixels = copyOfRow(source, r, reach);
                    at = 0;
                }
                horizontal(pixels, at, narrow[r % taps], width);
            }
            done = Math.max(done, end);
            vertical(y, first, width);
        }
    }

    private void reserve(int width) {
        if (narrow.length < rows.taps || narrow[0][0].length < width) {
            narrow = new int[rows.taps][3][width];
        }
        if (gathered.length < columns.taps || gathered[0].length < width) {
            gathered = new int[columns.taps][width];
        }
        if (packed.length < width) {
            packed = new int[width];
            planes = new int[3][width];
        }
    }

    private byte[] copyOfRow(Source source, int y, int reach) {
        int at = source.row(y);
        lastRow = lastRow.length >= reach ? lastRow : new byte[reach];
        System.arraycopy(source.pixels, at, lastRow, 0, Math.min(source.stride * 3, reach));
        return lastRow;
    }

    private void horizontal(byte[] source, int at, int[][] out, int width) {
        int taps = columns.taps;
        int[][] weights = columns.weights;
        for (int k = 0; k < taps; k += 2) {
            if (k + 1 < taps) {
                gatherTwo(source, at + 3 * k, columns.start, gathered[k], gathered[k + 1], width);
            } else {
                gatherOne(source, at + 3 * k, columns.start, gathered[k], width);
            }
        }
        for (int c = 0; c < 3; c++) {
            int[] sums = out[c];
            setTwo(sums, gathered[0], weights[0], gathered[1], weights[1], 8 * c, width);
            for (int k = 2; k < taps; k++) {
                addOne(sums, gathered[k], weights[k], 8 * c, width);
            }
            toLevels(sums, width);
        }
    }

    private static void gatherTwo(byte[] source, int at, int[] start, int[] first, int[] second, int n) {
        for (int x = 0; x < n; x++) {
            long pixels = (long) LONG.get(source, at + start[x] * 3);
            first[x] = (int) pixels;
            second[x] = (int) (pixels >>> 24);
        }
    }

    private static void gatherOne(byte[] source, int at, int[] start, int[] out, int n) {
        for (int x = 0; x < n; x++) {
            out[x] = (int) INT.get(source, at + start[x] * 3);
        }
    }

    private static void setTwo(int[] sums, int[] a, int[] wa, int[] b, int[] wb, int shift, int n) {
        for (int x = 0; x < n; x++) {
            sums[x] = HALF + (a[x] >> shift & 0xFF) * wa[x] + (b[x] >> shift & 0xFF) * wb[x];
        }
    }

    private static void addOne(int[] sums, int[] a, int[] wa, int shift, int n) {
        for (int x = 0; x < n; x++) {
            sums[x] += (a[x] >> shift & 0xFF) * wa[x];
        }
    }

    /** Cubic weights are negative in places, so that a sum may leave the range. */
    private static void toLevels(int[] sums, int n) {
        for (int x = 0; x < n; x++) {
            sums[x] = Math.max(Math.min(sums[x] >> PRECISION, 255), 0);
        }
    }

    private void vertical(int y, int first, int width) {
        int taps = rows.taps;
        int[][] weights = rows.weights;
        for (int c = 0; c < 3; c++) {
            int[] sums = planes[c];
            setTwo(sums, narrow[first % taps][c], weights[0][y], narrow[(first + 1) % taps][c], weights[1][y], width);
            for (int k = 2; k < taps; k++) {
                addOne(sums, narrow[(first + k) % taps][c], weights[k][y], width);
            }
            toLevels(sums, width);
        }
        pack(planes[0], planes[1], planes[2], packed, width);
        spread(packed, result, y * width * 3, width);
    }

    private static void setTwo(int[] sums, int[] a, int wa, int[] b, int wb, int n) {
        for (int x = 0; x < n; x++) {
            sums[x] = HALF + a[x] * wa + b[x] * wb;
        }
    }

    private static void addOne(int[] sums, int[] a, int wa, int n) {
        for (int x = 0; x < n; x++) {
            sums[x] += a[x] * wa;
        }
    }

    private static void pack(int[] red, int[] green, int[] blue, int[] out, int n) {
        for (int x = 0; x < n; x++) {
            out[x] = red[x] | green[x] << 8 | blue[x] << 16;
        }
    }

    /** Writes three bytes of each int; the fourth is overwritten by the next. */
    private static void spread(int[] pixels, byte[] out, int at, int n) {
        for (int x = 0; x < n; x++) {
            INT.set(out, at + 3 * x, pixels[x]);
        }
    }

    /**
     * Mixes two by two pixels per result. Mirrors the source, not the result: TensorFlow does so, and with {@link Interpolation#BILINEAR_TF1} it
     * makes a difference.
     */
    private void twoByTwo(Source source, Job job, Span across, Span down) {
        boolean corners = job.interpolation == Interpolation.BILINEAR_TF1;
        columns.pairs(across, corners, job.flip);
        rows.pairs(down, corners, false);
        int line = across.outputs() * 3;
        if (mixed[0].length < line) {
            mixed[0] = new float[line];
            mixed[1] = new float[line];
        }
        float bias = job.truncate ? 0 : 0.5f;
        int[] held = {-1, -1}; // which rows
        for (int y = 0; y < down.outputs(); y++) {
            int top = rows.start[y];
            int bottom = rows.second[y];
            int upper = held[1] == top ? 1 : 0;
            if (held[upper] != top) {
                across(source, top, mixed[upper], across.outputs());
                held[upper] = top;
            }
            int lower = top == bottom ? upper : 1 - upper;
            if (held[lower] != bottom) {
                across(source, bottom, mixed[lower], across.outputs());
                held[lower] = bottom;
            }
            between(mixed[upper], mixed[lower], rows.share[y], bias, levels = levels.length >= line ? levels : new int[line], line);
            bytes(levels, result, y * line, line);
        }
    }

    private void across(Source source, int y, float[] out, int width) {
        byte[] pixels = source.pixels;
        int row = source.row(y);
        for (int x = 0, t = 0; x < width; x++, t += 3) {
            int a = row + columns.start[x] * 3;
            int b = row + columns.second[x] * 3;
            float share = columns.share[x];
            out[t] = mixed(pixels[a], pixels[b], share);
            out[t + 1] = mixed(pixels[a + 1], pixels[b + 1], share);
            out[t + 2] = mixed(pixels[a + 2], pixels[b + 2], share);
        }
    }

    private static float mixed(byte a, byte b, float share) {
        float from = a & 0xFF;
        return from + ((b & 0xFF) - from) * share;
    }

    private static void between(float[] upper, float[] lower, float share, float bias, int[] out, int n) {
        for (int x = 0; x < n; x++) {
            out[x] = (int) (upper[x] + (lower[x] - upper[x]) * share + bias);
        }
    }

    private static void bytes(int[] levels, byte[] out, int at, int n) {
        for (int x = 0; x < n; x++) {
            out[at + x] = (byte) Math.clamp(levels[x], 0, 255);
        }
    }
}
