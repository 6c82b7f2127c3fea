package dev.jacquard.kernels;

/**
 * How a backend computes matrix products and convolutions.
 *
 * @param tf32 whether products of F32 operands may round them to TF32
 * @param libraries whether engines of cuBLAS and cuDNN are candidates where they are present
 * @param selection among candidates
 */
public record MatrixOptions(boolean tf32, boolean libraries, Selection selection) {
    /** F32 is F32; candidates by rule. */
    public static final MatrixOptions DEFAULT = new MatrixOptions(false, true, Selection.BY_RULE);
}
