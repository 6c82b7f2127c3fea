package dev.jacquard.kernels.driver;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Window;

/**
 * A pass over a convolution of images (n, h, w, c) with weights (k, r, s, c / groups) to outputs (n, oh, ow, k), all contiguous in that order. Operands are: forward x and w,
 * result y; backward of the data dy and w, result dx; backward of the weights x and dy, result dw.
 *
 * @param pass which
 * @param type of all three: F32, F16 or BF16; sums are in F32
 * @param tf32 whether F32 operands may be rounded to TF32
 * @param window stride, padding, dilation
 * @param groups of channels
 * @param n images
 * @param h their rows
 * @param w their columns
 * @param c their channels
 * @param oh rows of the output
 * @param ow columns of the output
 * @param k channels of the output
 * @param r rows of the kernel
 * @param s columns of the kernel
 * @param epilogue what is done to each result; only of the forward pass
 */
public record ConvolutionProblem(Pass pass, DType type, boolean tf32, Window window, int groups, long n, long h, long w, long c, long oh, long ow, long k, long r, long s,
        Epilogue epilogue) {
    /** The passes. */
    public enum Pass { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHT }
}
