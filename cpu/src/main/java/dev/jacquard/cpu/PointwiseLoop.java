package dev.jacquard.cpu;

/**
 * The innermost loop of a pointwise op over float32 at native addresses: {@code out[i] = f(a[i * aStep], b[i * bStep], c[i * cStep])}, steps 1 or 0 (one number for
 * all); operands beyond the op's arity are ignored. The output may be an operand with step 1.
 */
@FunctionalInterface
public interface PointwiseLoop {
    /** Runs over n elements. */
    void run(long a, long aStep, long b, long bStep, long c, long cStep, long out, long n);
}
