package dev.jacquard.kernels.driver;

/**
 * What a library's engine does to each result before it writes it.
 *
 * @param bias adds a number per column (per channel)
 * @param relu then takes the maximum with 0
 */
public record Epilogue(boolean bias, boolean relu) {
    /** Nothing. */
    public static final Epilogue NONE = new Epilogue(false, false);
}
