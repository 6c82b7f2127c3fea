package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.Locale;

/** What a matrix product's operands are, and what they are rounded to: what decides which units of a GPU compute it, and how fast. Sums are in F32, of I8 in I32. */
public enum Arithmetic {
    /** Operands in F16. */
    F16(DType.F16),
    /** Operands in BF16. */
    BF16(DType.BF16),
    /** Operands in F32, which may be rounded to TF32. */
    TF32(DType.F32),
    /** Operands in F32 as they are. */
    F32(DType.F32),
    /** Operands in I8, the result requantised. */
    I8(DType.I8);

    private final DType dtype;

    Arithmetic(DType dtype) {
        this.dtype = dtype;
    }

    /** Element type of the operands. */
    public DType dtype() {
        return dtype;
    }

    /** {@code tf32}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
