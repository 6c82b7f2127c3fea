package dev.jacquard.cpu;

/**
 * A 2-d convolution: x (N, H, W, C), w (K, R, S, C / groups), y (N, OH, OW, K).
 *
 * @param n images
 * @param h rows of an image
 * @param w columns of an image
 * @param c input channels
 * @param k output channels
 * @param r rows of the kernel
 * @param s columns of the kernel
 * @param strideH step between output rows, at least 1
 * @param strideW step between output columns, at least 1
 * @param padTop zero rows above
 * @param padBottom zero rows below
 * @param padLeft zero columns on the left
 * @param padRight zero columns on the right
 * @param dilationH step between kernel rows, at least 1
 * @param dilationW step between kernel columns, at least 1
 * @param groups divides c and k
 */
public record ConvShape(int n, int h, int w, int c, int k, int r, int s, int strideH, int strideW,
        int padTop, int padBottom, int padLeft, int padRight, int dilationH, int dilationW, int groups) {
    /** Rows of the output. */
    public int oh() {
        return (h + padTop + padBottom - dilationH * (r - 1) - 1) / strideH + 1;
    }

    /** Columns of the output. */
    public int ow() {
        return (w + padLeft + padRight - dilationW * (s - 1) - 1) / strideW + 1;
    }

    /** Input channels of one group. */
    public int groupC() {
        return c / groups;
    }

    /** Output channels of one group. */
    public int groupK() {
        return k / groups;
    }

    /** Whether each channel is convolved by itself. */
    public boolean depthwise() {
        return groups > 1 && groups == c && groups == k;
    }

    /** Multiply-adds of one pass over the taps that lie inside the image, the padding left out. */
    public long usefulMultiplyAdds() {
        return (long) n * k * groupC() * useful(oh(), r, strideH, padTop, dilationH, h) * useful(ow(), s, strideW, padLeft, dilationW, w);
    }

    private static long useful(int out, int taps, int stride, int pad, int dilation, int in) {
        long count = 0;
        for (int o = 0; o < out; o++) {
            for (int t = 0; t < taps; t++) {
                int i = o * stride - pad + t * dilation;
                count += i >= 0 && i < in ? 1 : 0;
            }
        }
        return count;
    }
}
