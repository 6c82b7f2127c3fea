package dev.jacquard.data;

import dev.jacquard.data.Resampler.Box;

/**
 * A decoded picture that its worker uses again and again: 8-bit RGB, (height, width, 3), rows from the top without padding, in an array that
 * grows. It shows a part of an image, the whole of it or less, and may be smaller than that by a whole factor: pixel (x, y) stands for the
 * square of {@code reduction} pixels at ({@code left + x * reduction}, {@code top + y * reduction}) of the whole image.
 *
 * <p>Not thread-safe.
 */
final class Picture {
    /** An array of more bytes is let go when a picture of a quarter of it comes: one huge image does not cost a worker its memory for good. */
    static final int KEPT_BYTES = 32 << 20;

    private byte[] pixels = new byte[0];
    private int width;
    private int height;
    private int fullWidth;
    private int fullHeight;
    private int left;
    private int top;
    private int coveredWidth;
    private int coveredHeight;
    private int reduction = 1;

    /**
     * Becomes a picture of a part of an image, its pixels undefined.
     *
     * @param fullWidth  columns of the whole image
     * @param fullHeight rows of the whole image
     * @param covered    the part and the reduction; left and top are multiples of the reduction
     * @return where the pixels go; longer than they need
     */
    byte[] reset(int fullWidth, int fullHeight, Wanted covered) {
        this.fullWidth = fullWidth;
        this.fullHeight = fullHeight;
        this.left = covered.left();
        this.top = covered.top();
        this.coveredWidth = covered.width();
        this.coveredHeight = covered.height();
        this.reduction = covered.reduction();
        this.width = Math.ceilDiv(coveredWidth, reduction);
        this.height = Math.ceilDiv(coveredHeight, reduction);
        int bytes = Math.multiplyExact(Math.multiplyExact(width, height), 3);
        if (pixels.length < bytes || pixels.length > KEPT_BYTES && bytes < pixels.length / 4) {
            pixels = new byte[bytes];
        }
        return pixels;
    }

    /** Becomes a picture of a whole image, its pixels undefined; as {@link #reset(int, int, Wanted)}. */
    byte[] reset(int fullWidth, int fullHeight) {
        return reset(fullWidth, fullHeight, Wanted.whole(fullWidth, fullHeight));
    }

    /** The pixels, (height, width, 3); the array may be longer. */
    byte[] pixels() {
        return pixels;
    }

    /** Columns of the picture. */
    int width() {
        return width;
    }

    /** Rows of the picture. */
    int height() {
        return height;
    }

    /** Columns of the whole image. */
    int fullWidth() {
        return fullWidth;
    }

    /** Rows of the whole image. */
    int fullHeight() {
        return fullHeight;
    }

    /** First column of the whole image that is shown. */
    int left() {
        return left;
    }

    /** First row of the whole image that is shown. */
    int top() {
        return top;
    }

    /** The part of the whole image that is shown, in the whole image's pixels. */
    Box covered() {
        return new Box(left, top, coveredWidth, coveredHeight);
    }

    /** By how much the picture is smaller than what it shows: 1, 2, 4 or 8. */
    int reduction() {
        return reduction;
    }

    /** An immutable image of the same pixels; takes the array with it where it fits. */
    RgbImage toImage() {
        int bytes = width * height * 3;
        byte[] taken = pixels.length == bytes ? pixels : java.util.Arrays.copyOf(pixels, bytes);
        pixels = new byte[0];
        return new RgbImage(width, height, taken);
    }
}
