package dev.jacquard.data;

import java.util.Arrays;

/**
 * Pillow's affine transforms, as NVIDIA's PyTorch program calls them. A result pixel's centre {@code (x + 0.5, y + 0.5)} is mapped to the source; where
 * that is outside, the result is gray. Bitwise as Pillow 9.4 (AgreementTest).
 */
final class PillowGeometry {
    private static final int FIXED = 16; // fractional bits of nearest-pixel coordinates

    private PillowGeometry() {}

    /** Shows at (x, y) what was at (x + amount * y, y), by cubic convolution along the row. */
    static void shearX(Canvas canvas, double amount) {
        int width = canvas.width();
        byte[] in = canvas.pixels();
        byte[] out = canvas.spare();
        for (int y = 0, t = 0; y < canvas.height(); y++) {
            int row = y * width * 3;
            for (int x = 0; x < width; x++, t += 3) {
                double at = x + 0.5 + amount * (y + 0.5);
                if (at < 0 || at >= width) {
                    out[t] = out[t + 1] = out[t + 2] = Canvas.GRAY;
                    continue;
                }
                int first = (int) Math.floor(at - 0.5);
                int a = row + 3 * Math.clamp(first - 1, 0, width - 1);
                int b = row + 3 * Math.clamp(first, 0, width - 1);
                int c = row + 3 * Math.clamp(first + 1, 0, width - 1);
                int d = row + 3 * Math.clamp(first + 2, 0, width - 1);
                cubic(in, a, b, c, d, at - 0.5 - first, out, t);
            }
        }
        canvas.swap();
    }

    /** Shows at (x, y) what was at (x, y + amount * x), by cubic convolution along the column. */
    static void shearY(Canvas canvas, double amount) {
        int width = canvas.width();
        int last = canvas.height() - 1;
        int line = width * 3;
        byte[] in = canvas.pixels();
        byte[] out = canvas.spare();
        for (int y = 0, t = 0; y <= last; y++) {
            for (int x = 0; x < width; x++, t += 3) {
                double at = amount * (x + 0.5) + (y + 0.5);
                if (at < 0 || at >= last + 1) {
                    out[t] = out[t + 1] = out[t + 2] = Canvas.GRAY;
                    continue;
                }
                int first = (int) Math.floor(at - 0.5);
                int a = line * Math.clamp(first - 1, 0, last) + 3 * x;
                int b = line * Math.clamp(first, 0, last) + 3 * x;
                int c = line * Math.clamp(first + 1, 0, last) + 3 * x;
                int d = line * Math.clamp(first + 2, 0, last) + 3 * x;
                cubic(in, a, b, c, d, at - 0.5 - first, out, t);
            }
        }
        canvas.swap();
    }

    /** Cubic convolution with a = -1 between the second and third of four pixels, clipped and rounded down. */
    private static void cubic(byte[] in, int a, int b, int c, int d, double share, byte[] out, int t) {
        for (int k = 0; k < 3; k++) {
            int v1 = in[a + k] & 0xFF;
            int v2 = in[b + k] & 0xFF;
            int v3 = in[c + k] & 0xFF;
            int v4 = in[d + k] & 0xFF;
            int square = 2 * (v1 - v2) + v3 - v4;
            int cube = -v1 + v2 - v3 + v4;
            double value = v2 + share * (v3 - v1 + share * (square + share * cube));
            out[t + k] = (byte) (int) Math.clamp(value, 0, 255);
        }
    }

    /** Turns about the middle, counter-clockwise for positive angles, by the nearest pixel in 16-bit fixed point. */
    static void rotate(Canvas canvas, double degrees) {
        if (degrees == 0) {
            return;
        }
        double angle = -Math.toRadians(degrees);
        double cos = Math.cos(angle);
        double sin = Math.sin(angle);
        int width = canvas.width();
        int height = canvas.height();
        double middleX = width / 2.0;
        double middleY = height / 2.0;
        int cosFixed = fixed(cos);
        int sinFixed = fixed(sin);
        int startX = fixed(middleX - cos * middleX - sin * middleY + (cos + sin) * 0.5);
        int startY = fixed(middleY + sin * middleX - cos * middleY + (cos - sin) * 0.5);
        byte[] in = canvas.pixels();
        byte[] out = canvas.spare();
        for (int y = 0, t = 0; y < height; y++) {
            int fromX = startX;
            int fromY = startY;
            for (int x = 0; x < width; x++, t += 3) {
                int sx = fromX >> FIXED;
                int sy = fromY >> FIXED;
                if (sx >= 0 && sx < width && sy >= 0 && sy < height) {
                    int s = (sy * width + sx) * 3;
                    out[t] = in[s];
                    out[t + 1] = in[s + 1];
                    out[t + 2] = in[s + 2];
                } else {
                    out[t] = out[t + 1] = out[t + 2] = Canvas.GRAY;
                }
                fromX += cosFixed;
                fromY -= sinFixed;
            }
            startX += sinFixed;
            startY += cosFixed;
        }
        canvas.swap();
    }

    private static int fixed(double value) {
        return (int) Math.floor(value * (1 << FIXED) + 0.5);
    }

    /** Shows at (x, y) what was at (x + dx, y + dy), by the nearest pixel. */
    static void translate(Canvas canvas, double dx, double dy) {
        int width = canvas.width();
        int height = canvas.height();
        int right = (int) Math.clamp(Math.floor(dx + 0.5), -width, width);
        int down = (int) Math.clamp(Math.floor(dy + 0.5), -height, height);
        int kept = (width - Math.abs(right)) * 3;
        int line = width * 3;
        byte[] in = canvas.pixels();
        byte[] out = canvas.spare();
        Arrays.fill(out, 0, canvas.length(), Canvas.GRAY);
        for (int y = Math.max(-down, 0); y < height - Math.max(down, 0); y++) {
            System.arraycopy(in, (y + down) * line + Math.max(right, 0) * 3, out, y * line + Math.max(-right, 0) * 3, kept);
        }
        canvas.swap();
    }
}
