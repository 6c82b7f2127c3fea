package dev.jacquard.data;

import java.util.Arrays;

/** Operations on the values of pixels, after Pillow's {@code ImageOps} and {@code ImageEnhance} or the TensorFlow program's versions of them. */
final class PixelOps {
    private PixelOps() {}

    /** Stretches each channel to 0 to 255; in double (Pillow) or float, which may differ by a level. */
    static void autoContrast(Canvas canvas, boolean pillow) {
        int[] histogram = canvas.histogram();
        byte[] table = canvas.table();
        for (int base = 0; base < 768; base += 256) {
            int low = 0;
            int high = 255;
            while (low < 255 && histogram[base + low] == 0) {
                low++;
            }
            while (high > 0 && histogram[base + high] == 0) {
                high--;
            }
            for (int v = 0; v < 256; v++) {
                table[base + v] = (byte) (high <= low ? v : Math.clamp(pillow ? stretched(v, low, high) : stretchedF32(v, low, high), 0, 255));
            }
        }
        canvas.lookUp();
    }

    private static int stretched(int v, int low, int high) {
        double scale = 255.0 / (high - low);
        return (int) (v * scale + -low * scale);
    }

    private static int stretchedF32(int v, int low, int high) {
        float scale = 255f / (high - low);
        return (int) (v * scale + -low * scale);
    }

    /** Flattens each channel's histogram. The step leaves the largest level's count out. */
    static void equalize(Canvas canvas) {
        int[] histogram = canvas.histogram();
        byte[] table = canvas.table();
        int pixels = canvas.width() * canvas.height();
        for (int base = 0; base < 768; base += 256) {
            int last = 255;
            while (histogram[base + last] == 0) {
                last--;
            }
            int step = (pixels - histogram[base + last]) / 255;
            int n = step / 2;
            for (int v = 0; v < 256; v++) {
                table[base + v] = (byte) (step == 0 ? v : Math.min(n / step, 255));
                n += histogram[base + v];
            }
        }
        canvas.lookUp();
    }

    /** Keeps so many upper bits, 0 to 8. */
    static void posterize(Canvas canvas, int bits) {
        int mask = 0xFF00 >> bits;
        byte[] table = canvas.table();
        for (int v = 0; v < 256; v++) {
            table[v] = (byte) (v & mask);
        }
        canvas.lookUpAlike();
    }

    /** Inverts values that are not below the threshold. */
    static void solarize(Canvas canvas, double threshold) {
        byte[] table = canvas.table();
        for (int v = 0; v < 256; v++) {
            table[v] = (byte) (v < threshold ? v : 255 - v);
        }
        canvas.lookUpAlike();
    }

    /** Adds to values below 128; Pillow rounds the sum. */
    static void solarizeAdd(Canvas canvas, double addition) {
        byte[] table = canvas.table();
        for (int v = 0; v < 256; v++) {
            table[v] = (byte) (v < 128 ? Math.min((int) Math.rint(v + addition), 255) : v);
        }
        canvas.lookUpAlike();
    }

    /** Blends with black. */
    static void brightness(Canvas canvas, double factor) {
        byte[] table = canvas.table();
        for (int v = 0; v < 256; v++) {
            table[v] = blend(0, v, (float) factor);
        }
        canvas.lookUpAlike();
    }

    /** Blends with a gray: of the mean luma (Pillow), or of H * W / 256 (the TensorFlow program). */
    static void contrast(Canvas canvas, double factor, boolean pillow) {
        int count = canvas.width() * canvas.height();
        int gray = Math.min(count / 256, 255);
        if (pillow) {
            byte[] p = canvas.pixels();
            long sum = 0;
            for (int i = 0, n = canvas.length(); i < n; i += 3) {
                sum += luma(p, i);
            }
            gray = (int) ((double) sum / count + 0.5);
        }
        byte[] table = canvas.table();
        for (int v = 0; v < 256; v++) {
            table[v] = blend(gray, v, (float) factor);
        }
        canvas.lookUpAlike();
    }

    /** Blends each pixel with its own gray. */
    static void color(Canvas canvas, double factor, boolean pillow) {
        byte[] p = canvas.pixels();
        float f = (float) factor;
        for (int i = 0, n = canvas.length(); i < n; i += 3) {
            int gray = pillow ? luma(p, i) : gray(p, i);
            p[i] = blend(gray, p[i] & 0xFF, f);
            p[i + 1] = blend(gray, p[i + 1] & 0xFF, f);
            p[i + 2] = blend(gray, p[i + 2] & 0xFF, f);
        }
    }

    /** Pillow's conversion to L: the weights of ITU-R 601-2 in 16-bit fixed point, rounded. */
    private static int luma(byte[] p, int i) {
        return (p[i] & 0xFF) * 19595 + (p[i + 1] & 0xFF) * 38470 + (p[i + 2] & 0xFF) * 7471 + 0x8000 >> 16;
    }

    /** TensorFlow's {@code rgb_to_grayscale} of 8-bit values: through floats of 0 to 1 and back, where 255.5 is the factor and the rest is cut off. */
    private static int gray(byte[] p, int i) {
        float unit = 1 / 255f;
        float gray = (p[i] & 0xFF) * unit * 0.2989f + (p[i + 1] & 0xFF) * unit * 0.587f + (p[i + 2] & 0xFF) * unit * 0.114f;
        return (int) (gray * 255.5f);
    }

    /**
     * Blends with a blurred picture (the eight neighbours once, the pixel five times, by 13; the border is not blurred). Pillow rounds
     * the blurred value, the TensorFlow program cuts it off.
     */
    static void sharpness(Canvas canvas, double factor, boolean pillow) {
        byte[] in = canvas.pixels();
        byte[] out = canvas.spare();
        int line = canvas.width() * 3;
        int rows = canvas.height();
        int[] columns = canvas.sums(line);
        float f = (float) factor;
        int bias = pillow ? 13 : 0; // half of 26; a sum is never halfway between two levels, as 13 is odd
        System.arraycopy(in, 0, out, 0, canvas.length());
        for (int y = 1; y < rows - 1; y++) {
            int at = y * line;
            for (int x = 0; x < line; x++) {
                columns[x] = (in[at - line + x] & 0xFF) + (in[at + x] & 0xFF) + (in[at + line + x] & 0xFF);
            }
            for (int x = 3; x < line - 3; x++) {
                int v = in[at + x] & 0xFF;
                int blurred = (2 * (columns[x - 3] + columns[x] + columns[x + 3] + 4 * v) + bias) / 26;
                out[at + x] = blend(blurred, v, f);
            }
        }
        canvas.swap();
    }

    /** Blanks the square that reaches from {@code (x, y)} so many pixels to the left and up, and one less to the right and down. */
    static void cutout(Canvas canvas, int x, int y, int reach) {
        int left = Math.max(x - reach, 0);
        int right = Math.min(x + reach, canvas.width());
        for (int row = Math.max(y - reach, 0); row < Math.min(y + reach, canvas.height()); row++) {
            int at = row * canvas.width();
            Arrays.fill(canvas.pixels(), (at + left) * 3, (at + right) * 3, Canvas.GRAY);
        }
    }

    /** {@code from + factor * (to - from)} in float, cut to 0 to 255 and rounded down, as both systems do. */
    private static byte blend(int from, int to, float factor) {
        float value = from + factor * (to - from);
        return (byte) (int) Math.clamp(value, 0f, 255f);
    }
}
