package dev.jacquard.tensor.op;

import dev.jacquard.tensor.ShapeException;

/**
 * How a kernel slides over an image: stride, zero padding of each side, dilation.
 *
 * @param strideH step between output rows
 * @param strideW step between output columns
 * @param top rows of padding above
 * @param bottom rows of padding below
 * @param left columns of padding to the left
 * @param right columns of padding to the right
 * @param dilationH distance between kernel rows
 * @param dilationW distance between kernel columns
 */
public record Window(int strideH, int strideW, int top, int bottom, int left, int right, int dilationH, int dilationW) {
    /** Checks the ranges. @throws ShapeException if one is out of range */
    public Window {
        if (strideH < 1 || strideW < 1 || dilationH < 1 || dilationW < 1 || top < 0 || bottom < 0 || left < 0 || right < 0) {
            throw new ShapeException("window", "stride, padding or dilation out of range",
                    strideH + "x" + strideW + ", " + top + "," + bottom + "," + left + "," + right + ", " + dilationH + "x" + dilationW,
                    "stride and dilation of 1 or more, padding of 0 or more", "check the attributes");
        }
    }

    /** The same stride both ways, the same padding on all sides, no dilation. */
    public static Window of(int stride, int padding) {
        return new Window(stride, stride, padding, padding, padding, padding, 1, 1);
    }

    /** This window with another dilation, both ways. */
    public Window dilated(int dilation) {
        return new Window(strideH, strideW, top, bottom, left, right, dilation, dilation);
    }

    /** Rows of the output for an image of h rows under a kernel of r rows; 0 or less if it does not fit. */
    public long outH(long h, long r) {
        return Math.floorDiv(h + top + bottom - (r - 1) * dilationH - 1, strideH) + 1;
    }

    /** Columns of the output for an image of w columns under a kernel of s columns. */
    public long outW(long w, long s) {
        return Math.floorDiv(w + left + right - (s - 1) * dilationW - 1, strideW) + 1;
    }

    /** As TensorFlow's SAME: output ceil(size / stride), the odd pixel of padding at the bottom and right. */
    public static Window same(int stride, long h, long w, int r, int s) {
        int ph = (int) Math.max((ceil(h, stride) - 1) * stride + r - h, 0);
        int pw = (int) Math.max((ceil(w, stride) - 1) * stride + s - w, 0);
        return new Window(stride, stride, ph / 2, ph - ph / 2, pw / 2, pw - pw / 2, 1, 1);
    }

    private static long ceil(long a, long b) {
        return (a + b - 1) / b;
    }
}
