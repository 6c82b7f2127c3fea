package dev.jacquard.cpu;

/** Functions of two numbers that {@link Simd#binary} computes. */
public enum Binary {
    /** x + y. */
    ADD,
    /** x - y. */
    SUB,
    /** x * y. */
    MUL,
    /** x / y. */
    DIV,
    /** the larger; NaN if either is. */
    MAX,
    /** the smaller; NaN if either is. */
    MIN,
    /** x where y > 0, else 0: x is dy, y the input or output of relu. */
    RELU_BACKWARD,
    /** x * silu'(y): x is dy, y the input of silu. */
    SILU_BACKWARD
}
