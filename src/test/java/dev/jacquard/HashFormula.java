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

    /** Where the values of a tensor lie: {@code offset + scale * s}, or {@code u} instead of {@code s} where they are variances. */
    private record Range(double offset, double scale) {
        static Range around(double offset, double scale) {
            return new Range(offset, scale);
        }

        static Range uniform(double scale) {
            return new Range(0, scale);
        }

        /** By the convolution's or linear layer's fan-in. */
        static Range weight(double gain, long... shape) {
            double fanIn = 1;
            for (int i = 1; i < shape.length; i++) {
                fanIn *= shape[i];
            }
            return uniform(gain * Math.sqrt(6.0 / fanIn));
        }
    }

    /** A parameter or buffer in PyTorch's layout. @param name torchvision's, or NVIDIA's for the gates of ResNets @param shape PyTorch's */
    static float[] parameter(String name, long... shape) {
        long n = 1;
        for (long d : shape) {
            n *= d;
        }
        long seed = seed(name);
        boolean variance = name.endsWith("running_var");
        Range range = variance ? variance(name) : name.startsWith("features.") || name.startsWith("classifier.") ? efficientNet(name, shape) : resNet(name, shape);
        float[] v = new float[(int) n];
        for (int i = 0; i < n; i++) {
            v[i] = (float) (range.offset + range.scale * (variance ? u(seed, i) : s(seed, i)));
        }
        return v;
    }

    private static Range variance(String name) {
        boolean wide = name.startsWith("features.8.1.") || name.contains(".block.0.1.") && !name.startsWith("features.1.");
        return !name.startsWith("features.") ? new Range(1, 0.5) : last(name) ? new Range(0.2, 0.1) : wide ? new Range(1.5, 1) : new Range(0.6, 0.3);
    }

    private static Range resNet(String name, long... shape) {
        boolean third = name.contains("bn3.");
        return name.contains(".squeeze.squeeze.") || name.contains(".squeeze.expand.") ? gate(name, shape)
                : name.equals("fc.weight") ? Range.weight(0.25, shape)
                : name.equals("fc.bias") ? Range.uniform(0.05)
                : shape.length == 4 ? Range.weight(1, shape)
                : name.endsWith("weight") ? Range.around(third ? 0.3 : 1, 0.2)
                : name.equals("bn1.bias") ? Range.around(-1.5, 0.5)
                : name.endsWith("bias") ? third ? Range.uniform(0.2) : Range.around(2.5, 0.5)
                : Range.around(third || name.equals("bn1.running_mean") ? 0 : 2.5, 0.1);
    }

    private static Range efficientNet(String name, long... shape) {
        return name.contains(".fc1.") || name.contains(".fc2.") ? gate(name, shape)
                : shape.length > 1 ? Range.weight(1, shape)
                : name.equals("classifier.1.bias") ? Range.uniform(0.05)
                : name.endsWith("weight") ? Range.around(!last(name) ? 1 : name.split("\\.")[2].equals("0") ? 0.8 : 0.25, 0.2)
                : Range.uniform(name.endsWith("bias") ? 0.5 : 0.1);
    }

    private static Range gate(String name, long... shape) {
        boolean first = name.contains(".fc1.") || name.contains(".squeeze.squeeze.");
        return name.endsWith("bias") ? Range.uniform(0.5) : Range.weight(first ? 1 : 2, shape);
    }

    /** Whether a normalisation is the last one of an inverted residual block. */
    private static boolean last(String name) {
        return name.contains(".block.3.1.") || name.contains(".block.2.1.");
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

    /** Scene batch k as NHWC, images that differ in their means; the formula counts in NCHW. */
    static float[] scenes(int k, int n, int size) {
        long shade = seed("shade." + k);
        long coarse = seed("coarse." + k);
        long fine = seed("input." + k);
        int cells = (size + 7) / 8;
        float[] v = new float[n * size * size * 3];
        for (int plane = 0; plane < n * 3; plane++) {
            for (int p = 0; p < size * size; p++) {
                long cell = ((long) plane * cells + p / size / 8) * cells + p % size / 8;
                double value = (0.8 * s(shade, plane) + 0.8 * s(coarse, cell)) + 0.5 * s(fine, (long) plane * size * size + p);
                v[(plane / 3 * size * size + p) * 3 + plane % 3] = (float) value;
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
