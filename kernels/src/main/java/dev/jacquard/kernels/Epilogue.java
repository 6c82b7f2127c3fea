package dev.jacquard.kernels;

import dev.jacquard.tensor.op.Nonlinearity;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What follows a product before its results are stored: {@code activation(sum * scale + shift + residualScale * residual)}, with a scale and a shift per column. Operands are
 * indices of a call's inputs, {@link #ABSENT} for none.
 *
 * @param scale one F32 value per column
 * @param shift one F32 value per column
 * @param residual of the shape and type of the result
 * @param residualScale factor of the residual
 * @param activation what comes last
 * @param statistics whether the columns' means and variances are wanted, too, as outputs 1 and 2: {@link ColumnStatistics}
 */
record Epilogue(int scale, int shift, int residual, double residualScale, Nonlinearity activation, boolean statistics) {
    static final int ABSENT = -1;
    /** Sums are the results. */
    static final Epilogue NONE = new Epilogue(ABSENT, ABSENT, ABSENT, 0, Nonlinearity.NONE);
    /** Sums are the results, and their columns' statistics are wanted. */
    static final Epilogue STATISTICS = new Epilogue(ABSENT, ABSENT, ABSENT, 0, Nonlinearity.NONE, true);
    private static final int BYTES = 40;

    /** Without statistics. */
    Epilogue(int scale, int shift, int residual, double residualScale, Nonlinearity activation) {
        this(scale, shift, residual, residualScale, activation, false);
    }

    /** Whether sums are the results. */
    boolean isNone() {
        return equals(NONE);
    }

    /** {@code struct Epilogue} of epilogue.cuh. */
    MemorySegment parameters(Call call) {
        MemorySegment s = MemorySegment.ofArray(new long[BYTES / Long.BYTES]);
        long[] addresses = {address(call, scale), address(call, shift), address(call, residual), statistics ? call.workspace() : 0};
        MemorySegment.copy(addresses, 0, s, ValueLayout.JAVA_LONG, 0, addresses.length);
        s.set(ValueLayout.JAVA_FLOAT, BYTES - 2 * Float.BYTES, (float) residualScale);
        s.set(ValueLayout.JAVA_INT, BYTES - Integer.BYTES, activation.ordinal());
        return s;
    }

    private static long address(Call call, int operand) {
        return operand == ABSENT ? 0 : call.in(operand);
    }
}
