package dev.jacquard.data;

/** YCbCr to RGB as libjpeg does it, with 16-bit fixed point: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb. */
final class YCbCr {
    private static final int HALF = 1 << 15;
    private static final int[] RED = new int[256];
    private static final int[] BLUE = new int[256];
    private static final int[] GREEN_CR = new int[256];
    private static final int[] GREEN_CB = new int[256];
    private static final byte[] CLIP = new byte[768]; // index: value + 256

    static {
        for (int i = 0; i < 256; i++) {
            int x = i - 128;
            RED[i] = fixed(1.40200) * x + HALF >> 16;
            BLUE[i] = fixed(1.77200) * x + HALF >> 16;
            GREEN_CR[i] = -fixed(0.71414) * x;
            GREEN_CB[i] = -fixed(0.34414) * x + HALF;
        }
        for (int i = 0; i < CLIP.length; i++) {
            CLIP[i] = (byte) Math.clamp(i - 256, 0, 255);
        }
    }

    private YCbCr() {}

    /** Converts one pixel, each component 0 to 255, and writes red, green, blue at {@code out[at]}. */
    static void toRgb(int y, int cb, int cr, byte[] out, int at) {
        out[at] = CLIP[y + RED[cr] + 256];
        out[at + 1] = CLIP[y + (GREEN_CB[cb] + GREEN_CR[cr] >> 16) + 256];
        out[at + 2] = CLIP[y + BLUE[cb] + 256];
    }

    private static int fixed(double x) {
        return (int) (x * (1 << 16) + 0.5);
    }
}
