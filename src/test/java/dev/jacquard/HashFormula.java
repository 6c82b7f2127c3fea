package dev.jacquard;

import java.nio.charset.StandardCharsets;

/** Numbers by the formula of {@code src/test/scripts/hash_formula.py}: the same in Python and here, from a name and an index. */
final class HashFormula {
    private HashFormula() {}

    /** FNV-1a, 64 bit. */
    static long seed(String name) {
        long h = 0xCBF29CE484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            h = (h ^ (b & 0xff)) * 0x100000001B3L;
        }
        return h;
    }

    /** In [0, 1). */
    static double u(long seed, long i) {
        long z = seed + i * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        z ^= z >>> 31;
        return (z >>> 40) * 0x1p-24;
    }

    /** In [-1, 1). */
    static double s(long seed, long i) {
        return 2 * u(seed, i) - 1;
    }

    /** A ResNet's parameter or buffer in PyTorch's layout. @param shape PyTorch's */
    static float[] parameter(String name, long... shape) {
        long n = 1;
        for (long d : shape) {
            n *= d;
        }
        long seed = seed(name);
        double fanIn = shape.length == 4 ? shape[1] * shape[2] * shape[3] : shape.length == 2 ? shape[1] : 0;
        float[] v = new float[(int) n];
        for (int i = 0; i < n; i++) {
            double s = s(seed, i);
            v[i] = (float) (name.endsWith("running_var") ? 1.0 + 0.5 * u(seed, i)
                    : name.equals("fc.weight") ? s * (0.25 * Math.sqrt(6.0 / fanIn))
                    : name.equals("fc.bias") ? 0.05 * s
                    : shape.length == 4 ? s * Math.sqrt(6.0 / fanIn)
                    : name.endsWith("bn3.weight") ? 0.3 + 0.2 * s
                    : name.endsWith("weight") ? 1.0 + 0.2 * s
                    : name.equals("bn1.bias") ? -1.5 + 0.5 * s
                    : name.endsWith("bn3.bias") ? 0.2 * s
                    : name.endsWith("bias") ? 2.5 + 0.5 * s
                    : name.equals("bn1.running_mean") || name.endsWith("bn3.running_mean") ? 0.1 * s
                    : 2.5 + 0.1 * s);
        }
        return v;
    }

    /** Image batch k as NHWC; the formula counts in NCHW. */
    static float[] images(int k, int n, int size) {
        long seed = seed("input." + k);
        float[] v = new float[n * size * size * 3];
        for (int b = 0; b < n; b++) {
            for (int c = 0; c < 3; c++) {
                for (int p = 0; p < size * size; p++) {
                    v[(b * size * size + p) * 3 + c] = (float) (1.5 * s(seed, (long) (b * 3 + c) * size * size + p));
                }
            }
        }
        return v;
    }

    /** Labels of batch k. */
    static int[] labels(int k, int n, int classes) {
        long seed = seed("labels." + k);
        int[] v = new int[n];
        for (int i = 0; i < n; i++) {
            v[i] = (int) (u(seed, i) * classes);
        }
        return v;
    }
}
