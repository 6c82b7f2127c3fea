package dev.jacquard.data;

/** YCbCr to RGB as libjpeg does it, with 16-bit fixed point: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb. */
final class YCbCr {
    private static final int HALF = 1 << 15;
    private static final int RED = fixed(1.40200);
    private static final int BLUE = fixed(1.77200);
    private static final int GREEN_CR = fixed(0.71414);
    private static final int GREEN_CB = fixed(0.34414);

    private YCbCr() {}

    /** Converts {@code pixels} triples of Y, Cb, Cr at {@code in[from]} to red, green, blue at {@code out[to]}. */
    static void toRgb(byte[] in, int from, byte[] out, int to, int pixels) {
        for (int i = 0, k = 0; i < pixels; i++, k += 3) {
            int y = in[from + k] & 0xFF;
            int cb = (in[from + k + 1] & 0xFF) - 128;
            int cr = (in[from + k + 2] & 0xFF) - 128;
            out[to + k] = level(y + (RED * cr + HALF >> 16));
            out[to + k + 1] = level(y + (HALF - GREEN_CB * cb - GREEN_CR * cr >> 16));
            out[to + k + 2] = level(y + (BLUE * cb + HALF >> 16));
        }
    }

    private static byte level(int value) {
        return (byte) Math.max(0, Math.min(value, 255));
    }

    private static int fixed(double x) {
        return (int) (x * (1 << 16) + 0.5);
    }
}
