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
            double shift = amount * (y + 0.5);
            for (int x = 0; x < width; x++, t += 3) {
                double at = x + 0.5 + shift;
                if (at < 0 || at >= width) {
                    out[t] = out[t + 1] = out[t + 2] = Canvas.GRAY;
                    continue;
                }
                int first = below(at - 0.5);
                double share = at - 0.5 - first;
                if (first >= 1 && first < width - 2) {
                    int b = row + 3 * first;
                    cubic(in, b - 3, b, b + 3, b + 6, share, out, t);
                } else {
                    cubic(in, row + 3 * within(first - 1, width), row + 3 * within(first, width), row + 3 * within(first + 1, width), row + 3 * within(first + 2, width),
                            share, out, t);
                }
            }
        }
        canvas.swap();
    }

    /** Shows at (x, y) what was at (x, y + amount * x), by cubic convolution along the column. */
    static void shearY(Canvas canvas, double amount) {
        int width = canvas.width();
        int height = canvas.height();
        int line = width * 3;
        byte[] in = canvas.pixels();
        byte[] out = canvas.spare();
        for (int y = 0, t = 0; y < height; y++) {
            for (int x = 0; x < width; x++, t += 3) {
                double at = amount * (x + 0.5) + (y + 0.5);
                if (at < 0 || at >= height) {
                    out[t] = out[t + 1] = out[t + 2] = Canvas.GRAY;
                    continue;
                }
                int first = below(at - 0.5);
                double share = at - 0.5 - first;
                if (first >= 1 && first < height - 2) {
                    int b = line * first + 3 * x;
                    cubic(in, b - line, b, b + line, b + 2 * line, share, out, t);
                } else {
                    cubic(in, line * within(first - 1, height) + 3 * x, line * within(first, height) + 3 * x, line * within(first + 1, height) + 3 * x,
                            line * within(first + 2, height) + 3 * x, share, out, t);
                }
            }
        }
        canvas.swap();
    }

    /** The next integer below, as {@code floor} has it. */
    private static int below(double at) {
        int towardsZero = (int) at;
        return at < towardsZero ? towardsZero - 1 : towardsZero;
    }

    private static int within(int i, int size) {
        return Math.min(Math.max(i, 0), size - 1);
    }

    /** Cubic convolution with a = -1 between the second and third of four pixels, clipped and rounded down. */
    private static void cubic(byte[] in, int a, int b, int c, int d, double share, byte[] out, int t) {
        out[t] = cubic(in[a] & 0xFF, in[b] & 0xFF, in[c] & 0xFF, in[d] & 0xFF, share);
        out[t + 1] = cubic(in[a + 1] & 0xFF, in[b + 1] & 0xFF, in[c + 1] & 0xFF, in[d + 1] & 0xFF, share);
        out[t + 2] = cubic(in[a + 2] & 0xFF, in[b + 2] & 0xFF, in[c + 2] & 0xFF, in[d + 2] & 0xFF, share);
    }

    private static byte cubic(int v1, int v2, int v3, int v4, double share) {
        int square = 2 * (v1 - v2) + v3 - v4;
        int cube = -v1 + v2 - v3 + v4;
        int value = (int) (v2 + share * (v3 - v1 + share * (square + share * cube)));
        return (byte) Math.min(Math.max(value, 0), 255);
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
