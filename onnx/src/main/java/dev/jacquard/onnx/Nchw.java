package dev.jacquard.onnx;

import dev.jacquard.tensor.Shape;

/** How values lie in the file: those of rank 4 as NCHW where ours are NHWC (weights: OIHW where ours are KRSC, the same exchange), all others as ours. */
final class Nchw {
    private static final int[] AXES = {0, 2, 3, 1};

    private Nchw() {}

    /** Where an axis of a value goes. @param axis ours, not negative */
    static int axis(int axis, int rank) {
        return rank == 4 ? AXES[axis] : axis;
    }

    /** Extents of a value. */
    static long[] dims(Shape s) {
        return s.rank() == 4 ? new long[] {s.dim(0), s.dim(3), s.dim(1), s.dim(2)} : s.dims();
    }

    /** Elements of a value. @param values ours, row-major */
    static float[] elements(float[] values, Shape s) {
        if (s.rank() != 4) {
            return values;
        }
        int pixels = Math.toIntExact(s.dim(1) * s.dim(2));
        int channels = s.intDim(3);
        float[] out = new float[values.length];
        for (int n = 0; n < s.intDim(0); n++) {
            int image = n * pixels * channels;
            for (int p = 0; p < pixels; p++) {
                for (int c = 0; c < channels; c++) {
                    out[image + c * pixels + p] = values[image + p * channels + c];
                }
            }
        }
        return out;
    }
}
