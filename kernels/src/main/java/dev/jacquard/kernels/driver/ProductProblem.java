package dev.jacquard.kernels.driver;

import dev.jacquard.tensor.DType;

/**
 * A matrix product of row-major contiguous operands: (m, k) x (k, n) = (m, n).
 *
 * @param type of both operands: F32, F16, BF16 (sums in F32, result of the same type) or I8 (sums and result in I32)
 * @param tf32 whether F32 operands may be rounded to TF32
 * @param m rows
 * @param n columns
 * @param k depth
 * @param transposeA the first operand is stored as (k, m)
 * @param transposeB the second one as (n, k)
 * @param epilogue what is done to each result
 */
public record ProductProblem(DType type, boolean tf32, long m, long n, long k, boolean transposeA, boolean transposeB, Epilogue epilogue) {
    /** Type of the result. */
    public DType result() {
        return type == DType.I8 ? DType.I32 : type;
    }
}
