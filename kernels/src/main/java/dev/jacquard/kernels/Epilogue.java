package dev.jacquard.kernels;

import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What follows a product before its results are stored: {@code activation(sum * scale + shift + residualScale * residual)}, with a scale and a shift per column. Operands are indices of a call's
 * inputs, {@link #ABSENT} for none.
 *
 * @param scale one value per column
 * @param shift one value per column
 * @param residual of the shape of the result
 * @param residualScale factor of the residual
 * @param activation what comes last
 */
record Epilogue(int scale, int shift, int residual, double residualScale, Nonlinearity activation) {
    static final int ABSENT = -1;
    /** Sums are the results. */
    static final Epilogue NONE = new Epilogue(ABSENT, ABSENT, ABSENT, 0, Nonlinearity.NONE);
    private static final int BYTES = 32;

    /** Whether sums are the results. */
    boolean isNone() {
        return equals(NONE);
    }

    /** {@code struct Epilogue} of epilogue.cuh. */
    MemorySegment parameters(Call call) {
        MemorySegment s = MemorySegment.ofArray(new long[BYTES / Long.BYTES]);
        int[] operands = {scale, shift, residual};
        for (int i = 0; i < operands.length; i++) {
            s.setAtIndex(ValueLayout.JAVA_LONG, i, operands[i] == ABSENT ? 0 : call.in(operands[i]));
        }
        s.set(ValueLayout.JAVA_FLOAT, operands.length * Long.BYTES, (float) residualScale);
        s.set(ValueLayout.JAVA_INT, operands.length * Long.BYTES + Float.BYTES, activation.ordinal());
        return s;
    }

    /** Elements of its operands, for results of so many columns. */
    long elements(long rows, long columns) {
        return (scale == ABSENT ? 0 : columns) + (shift == ABSENT ? 0 : columns) + (residual == ABSENT ? 0 : rows * columns);
    }
}
