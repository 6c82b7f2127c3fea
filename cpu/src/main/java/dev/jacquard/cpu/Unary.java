package dev.jacquard.cpu;

/** Functions of one number that {@link Simd#unary} computes. */
public enum Unary {
    /** max(x, 0); NaN stays. */
    RELU,
    /** 1 / (1 + exp(-x)). */
    SIGMOID,
    /** x * sigmoid(x). */
    SILU,
    /** e to the x. */
    EXP,
    /** natural logarithm. */
    LOG,
    /** square root. */
    SQRT,
    /** 1 / sqrt(x). */
    RSQRT,
    /** absolute value. */
    ABS,
    /** -x. */
    NEG,
    /** hyperbolic tangent. */
    TANH
}
