package dev.jacquard.data;

/**
 * A decoded image: 8-bit red, green, blue, interleaved, rows from the top: {@code pixels} (H, W, 3) without padding.
 * The array is not copied; treat it as read-only.
 *
 * @param width columns, W
 * @param height rows, H
 * @param pixels {@code height * width * 3} bytes, each to be read unsigned
 */
public record RgbImage(int width, int height, byte[] pixels) {
    /** Checks the length. @throws IllegalArgumentException if it is not height x width x 3 */
    public RgbImage {
        if (width < 1 || height < 1 || pixels.length != Math.multiplyExact(Math.multiplyExact(width, height), 3)) {
            throw new IllegalArgumentException("image of " + width + "x" + height + " with " + pixels.length + " bytes");
        }
    }
}
