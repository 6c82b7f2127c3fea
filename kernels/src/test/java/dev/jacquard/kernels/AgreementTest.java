package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Accuracy;
import org.junit.jupiter.api.Test;

class AgreementTest {
    private static final double[] WANT = {1, -2, 0.5, 0, 100};

    private static int difference(DType type, boolean tf32, int at, double error) {
        double[] got = WANT.clone();
        got[at] += error;
        return Agreement.of(Accuracy.matmul(64), tf32).difference(type, WANT, got);
    }

    @Test
    void roundingsAgreeAndMistakesDoNot() {
        assertEquals(-1, difference(DType.F32, false, 1, 1e-6));
        assertEquals(1, difference(DType.F32, false, 1, 1e-2));
        assertEquals(-1, difference(DType.F32, true, 1, 1e-2));
        assertEquals(1, difference(DType.F32, true, 1, 2));
        assertEquals(-1, difference(DType.F16, false, 4, 0.06));
        assertEquals(4, difference(DType.F16, false, 4, 1));
        assertEquals(-1, difference(DType.BF16, false, 4, 0.5));
        assertEquals(4, difference(DType.BF16, false, 4, 5));
    }

    @Test
    void integersAreExactAndRequantisedOnesFallToEitherSide() {
        assertEquals(-1, difference(DType.I8, false, 0, 1));
        assertEquals(0, difference(DType.I8, false, 0, 2));
        assertEquals(0, difference(DType.I32, false, 0, 1));
    }

    @Test
    void whatWasNotWrittenIsNoResult() {
        assertEquals(2, difference(DType.F32, false, 2, Double.NaN));
        assertEquals(2, difference(DType.F16, false, 2, Double.POSITIVE_INFINITY));
    }
}
