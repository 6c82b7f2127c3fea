package dev.jacquard.data;

/**
 * TensorFlow's {@code ImageProjectiveTransformV3} with the nearest pixel, as NVIDIA's TensorFlow program calls it. A result pixel (x, y) is mapped to the source
 * in F32, counted in whole pixels; what is further out than the outermost pixels' centres is outside.
 */
final class TensorFlowGeometry {
    private TensorFlowGeometry() {}

    /** Turns about the middle. */
    static void rotate(Canvas canvas, double degrees, boolean reflect) {
        float radians = (float) (degrees * (Math.PI / 180));
        float cos = (float) Math.cos(radians);
        float sin = (float) Math.sin(radians);
        float right = canvas.width() - 1;
        float bottom = canvas.height() - 1;
        float x = (right - (cos * right - sin * bottom)) / 2;
        float y = (bottom - (sin * right + cos * bottom)) / 2;
        nearest(canvas, new float[] {cos, -sin, x, sin, cos, y}, reflect);
    }

    /**
     * Shows at (x, y) what was at (m0 x + m1 y + m2, m3 x + m4 y + m5).
     *
     * @param m       the six coefficients
     * @param reflect whether the picture is mirrored at its border, not replaced by gray
     */
    static void nearest(Canvas canvas, float[] m, boolean reflect) {
        int width = canvas.width();
        int height = canvas.height();
        byte[] in = canvas.pixels();
        byte[] out = canvas.spare();
        for (int y = 0, t = 0; y < height; y++) {
            for (int x = 0; x < width; x++, t += 3) {
                float fromX = m[0] * x + m[1] * y + m[2];
                float fromY = m[3] * x + m[4] * y + m[5];
                if (reflect) {
                    fromX = reflected(fromX, width);
                    fromY = reflected(fromY, height);
                }
                if (fromX < 0 || fromX > width - 1 || fromY < 0 || fromY > height - 1) {
                    out[t] = out[t + 1] = out[t + 2] = Canvas.GRAY;
                } else {
                    // In double, so that what is just below a half is not rounded up by the addition.
                    int s = ((int) (fromY + 0.5) * width + (int) (fromX + 0.5)) * 3;
                    out[t] = in[s];
                    out[t + 1] = in[s + 1];
                    out[t + 2] = in[s + 2];
                }
            }
        }
        canvas.swap();
    }

    /** A coordinate of the picture ... c b a | a b c | c b a ... in terms of a b c. */
    private static float reflected(float at, int length) {
        float period = 2f * length;
        float inside = at;
        if (at < 0) {
            inside = period * (long) (-at / period) + at;
            inside = inside < -length ? inside + period : -inside - 1;
        } else if (at > length - 1) {
            inside = at - period * (long) (at / period);
            inside = inside >= length ? period - inside - 1 : inside;
        }
        return Math.clamp(inside, 0f, length - 1f);
    }
}
