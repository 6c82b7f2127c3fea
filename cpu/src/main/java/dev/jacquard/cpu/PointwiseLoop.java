package dev.jacquard.cpu;

import dev.jacquard.tensor.op.Pointwise;

/**
 * The innermost loop of a pointwise op over float32 at native addresses: {@code out[i] = f(a[i * aStep], b[i * bStep], c[i * cStep])}, steps 1 or 0 (one number for
 * all); operands beyond the op's arity are ignored. The output may be an operand with step 1.
 */
@FunctionalInterface
public interface PointwiseLoop {
    /** Ops that loops look up while they run, when nothing may be allocated. */
    Pointwise RELU = new Pointwise.Relu();
    /** See {@link #RELU}. */
    Pointwise SILU = new Pointwise.Silu();
    /** See {@link #RELU}. */
    Pointwise RELU_BACKWARD = new Pointwise.ReluBackward();
    /** See {@link #RELU}. */
    Pointwise SILU_BACKWARD = new Pointwise.SiluBackward();

    /** Runs over n elements. */
    void run(long a, long aStep, long b, long bStep, long c, long cStep, long out, long n);

    /** The loop of an op, or its own meaning an element at a time where the kernels have none. */
    static PointwiseLoop of(Pointwise op, Simd simd) {
        PointwiseLoop loop = simd.pointwise(op);
        return loop != null ? loop : (a, aStep, b, bStep, c, cStep, out, n) -> {
            for (long i = 0; i < 4 * n; i += 4) {
                Raw.set(out + i, (float) op.apply(Raw.get(a + i * aStep), op.arity() > 1 ? Raw.get(b + i * bStep) : 0, op.arity() > 2 ? Raw.get(c + i * cStep) : 0));
            }
        };
    }
}
