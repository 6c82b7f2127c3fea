package dev.jacquard.kernels.driver;

/**
 * What a library's engine does to each sum before it rounds and writes it: {@code activation(sum * scale + bias + residual)}, as much of it as is wanted.
 *
 * @param scale multiplies by a number per column (per channel), in F32
 * @param bias adds a number per column (per channel), in F32
 * @param residual adds an element of a tensor like the result
 * @param activation what comes last
 */
public record Epilogue(boolean scale, boolean bias, boolean residual, Activation activation) {
    /** Functions that libraries have. */
    public enum Activation {
        /** The sum as it is. */
        NONE,
        /** max(0, x). */
        RELU,
        /** x * sigmoid(x). */
        SILU
    }

    /** Nothing. */
    public static final Epilogue NONE = new Epilogue(false, false, false, Activation.NONE);
}
