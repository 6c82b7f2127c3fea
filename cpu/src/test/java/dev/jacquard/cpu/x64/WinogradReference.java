package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.ConvShape;

/** Convolutions by their definition, in double. */
final class WinogradReference {
    /** Where numbers come from. */
    @FunctionalInterface
    interface Floats {
        float get(long i);
    }

    private WinogradReference() {}

    /** y from x, or dx from dy, of a convolution of stride 1. */
    static double[] convolve(ConvShape s, boolean backward, Floats in, Floats weight, int size) {
        double[] out = new double[size];
        for (int n = 0; n < s.n(); n++) {
            for (int oh = 0; oh < s.oh(); oh++) {
                for (int ow = 0; ow < s.ow(); ow++) {
                    for (int tap = 0; tap < s.r() * s.s(); tap++) {
                        int h = oh - s.padTop() + tap / s.s();
                        int w = ow - s.padLeft() + tap % s.s();
                        if (h >= 0 && h < s.h() && w >= 0 && w < s.w()) {
                            tap(s, backward, in, weight, out, ((n * s.oh() + oh) * s.ow() + ow) * s.k(), ((n * s.h() + h) * s.w() + w) * s.c(), tap);
                        }
                    }
                }
            }
        }
        return out;
    }

    /** dw from x and dy, of a convolution of stride 1. */
    static double[] weightGradient(ConvShape s, Floats x, Floats dy) {
        int row = s.r() * s.s() * s.c();
        double[] dw = new double[s.k() * row];
        for (int p = 0; p < s.n() * s.oh() * s.ow(); p++) {
            for (int tap = 0; tap < s.r() * s.s(); tap++) {
                int h = p / s.ow() % s.oh() - s.padTop() + tap / s.s();
                int w = p % s.ow() - s.padLeft() + tap % s.s();
                for (int i = 0; h >= 0 && h < s.h() && w >= 0 && w < s.w() && i < s.k() * s.c(); i++) {
                    long at = ((long) (p / s.ow() / s.oh() * s.h() + h) * s.w() + w) * s.c() + i % s.c();
                    dw[i / s.c() * row + tap * s.c() + i % s.c()] += (double) dy.get((long) p * s.k() + i / s.c()) * x.get(at);
                }
            }
        }
        return dw;
    }

    private static void tap(ConvShape s, boolean backward, Floats in, Floats weight, double[] out, int y, int x, int tap) {
        for (int k = 0; k < s.k(); k++) {
            for (int c = 0; c < s.c(); c++) {
                double w = weight.get(((long) k * s.r() * s.s() + tap) * s.c() + c);
                if (backward) {
                    out[x + c] += in.get(y + k) * w;
                } else {
                    out[y + k] += in.get(x + c) * w;
                }
            }
        }
    }
}
