package dev.jacquard.cpu.x64;

/**
 * One axis of a convolution seen from its result: which input position a tap reads for an output position. Forward the result is y and the input x; in the backward of data they
 * are dx and dy.
 *
 * @param in positions of the input
 * @param out positions of the result
 * @param taps of the kernel
 * @param stride of the forward convolution
 * @param pad zeros before the first position of x
 * @param dilation step between taps, in positions of x
 * @param backward whether this is the backward of data
 */
record TapMap(int in, int out, int taps, int stride, int pad, int dilation, boolean backward) {
    /** The input position, -1 if the tap reads padding or nothing. */
    int at(int position, int tap) {
        int i;
        if (backward) {
            int reached = position + pad - tap * dilation;
            i = Math.floorMod(reached, stride) == 0 ? reached / stride : -1;
        } else {
            i = position * stride - pad + tap * dilation;
        }
        return i >= 0 && i < in ? i : -1;
    }

    /** The input position that a run of output positions is addressed from. May lie outside of the image. */
    int base(int position) {
        return backward ? position / stride : position * stride;
    }
}
