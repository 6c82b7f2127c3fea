package dev.jacquard.kernels;

/**
 * How a backend computes matrix products and convolutions.
 *
 * @param tf32 whether products of F32 operands may round them to TF32
 * @param selection among candidates
 */
public record MatrixOptions(boolean tf32, Selection selection) {
    /** F32 is F32; candidates by rule. */
    public static final MatrixOptions DEFAULT = new MatrixOptions(false, Selection.BY_RULE);
}
