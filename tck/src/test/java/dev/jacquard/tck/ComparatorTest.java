package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Accuracy;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ComparatorTest {
    private static final double INF = Double.POSITIVE_INFINITY;
    private static final Tolerance ELEMENTWISE = Tolerance.of(DType.F32, Accuracy.elementwise());

    private static Optional<String> compare(DType dtype, Accuracy accuracy, double[] got, double... want) {
        return Comparator.difference(TensorType.of(dtype, got.length), got, want, Tolerance.of(dtype, accuracy), 1);
    }

    private static boolean passes(double got, double want) {
        return compare(DType.F32, Accuracy.elementwise(), new double[] {0.5, got}, 0.5, want).isEmpty();
    }

    @Test
    void nanMustBeOnBothSides() {
        assertTrue(passes(Double.NaN, Double.NaN));
        assertFalse(passes(Double.NaN, 1));
        assertFalse(passes(1, Double.NaN));
        assertFalse(passes(Double.NaN, INF));
        assertFalse(passes(INF, Double.NaN));
    }

    @Test
    void nanFailsEvenWithAToleranceOfEverything() {
        Tolerance all = new Tolerance("all", INF, INF);
        assertTrue(Comparator.difference(TensorType.f32(1), new double[] {Double.NaN}, new double[] {1}, all, 1).isPresent());
        assertTrue(Comparator.difference(TensorType.f32(1), new double[] {1}, new double[] {1}, new Tolerance("broken", Double.NaN, 0), 1).isEmpty());
        assertTrue(Comparator.difference(TensorType.f32(1), new double[] {1.5}, new double[] {1}, new Tolerance("broken", Double.NaN, 0), 1).isPresent());
    }

    @Test
    void infinitiesAreComparedBySign() {
        assertTrue(passes(INF, INF));
        assertTrue(passes(-INF, -INF));
        assertFalse(passes(INF, -INF));
        assertFalse(passes(INF, 3e38));
        assertFalse(passes(3e38, INF));
    }

    @Test
    void whatOverflowsTheTypeIsInfinite() {
        assertTrue(passes(INF, 1e300));
        assertTrue(compare(DType.F16, Accuracy.elementwise(), new double[] {INF}, 1e6).isEmpty());
        assertTrue(compare(DType.F16, Accuracy.elementwise(), new double[] {65504}, 1e6).isPresent());
    }

    @Test
    void zerosOfBothSignsAreEqual() {
        assertTrue(compare(DType.F32, Accuracy.exact(), new double[] {-0.0, 0.0}, 0.0, -0.0).isEmpty());
    }

    @Test
    void emptyAndAllZeroPass() {
        assertTrue(compare(DType.F32, Accuracy.exact(), new double[0]).isEmpty());
        assertTrue(compare(DType.F32, Accuracy.matmul(9), new double[3], new double[3]).isEmpty());
        assertTrue(compare(DType.F32, Accuracy.elementwise(), new double[] {1e-3}, 0).isPresent());
    }

    @Test
    void exactAndIntegersAllowNothing() {
        assertTrue(compare(DType.F32, Accuracy.exact(), new double[] {Math.nextUp(1f)}, 1).isPresent());
        assertTrue(compare(DType.I32, Accuracy.reduce(100), new double[] {8}, 7).isPresent());
        assertTrue(compare(DType.I32, Accuracy.reduce(100), new double[] {7}, 7).isEmpty());
        assertTrue(compare(DType.F32, Accuracy.exact(), new double[] {(float) 0.1}, 0.1).isEmpty(), "the store rounds");
    }

    @Test
    void lengthsMustAgree() {
        assertTrue(Comparator.difference(TensorType.f32(2), new double[2], new double[3], ELEMENTWISE, 1).isPresent());
        assertTrue(Comparator.difference(TensorType.f32(3), new double[2], new double[2], ELEMENTWISE, 1).isPresent());
    }

    @Test
    void theMessageTellsWhereAndHowMuch() {
        double[] got = {1, 2, 3, 4.5, 5, 6.25};
        double[] want = {1, 2, 3, 4, 5, 6};
        String message = Comparator.difference(TensorType.f32(2, 3), got, want, ELEMENTWISE, 1).orElseThrow();
        assertTrue(message.contains("at (1, 0)") && message.contains("got 4.5") && message.contains("want 4.0") && message.contains("ELEMENTWISE(f32)")
                && message.contains("% used") && message.contains("2 of 6 bad"), message);
    }

    @Test
    void tolerancesGrowWithLengthAndCoarseness() {
        double previous = 0;
        for (long n : new long[] {1, 4, 64, 4096}) {
            double t = Tolerance.of(DType.F32, Accuracy.matmul(n)).at(0, 1);
            assertTrue(t > previous);
            previous = t;
        }
        assertTrue(previous < 1e-3);
        assertTrue(Tolerance.of(DType.F16, Accuracy.elementwise()).relative() < Tolerance.of(DType.BF16, Accuracy.elementwise()).relative());
        assertTrue(Tolerance.of(DType.F64, Accuracy.matmul(64)).at(1, 1) < 1e-11);
    }

    @Test
    void casesAreSelectedByPartOrPattern() {
        assertTrue(Case.selected("cpu conv2d(f32(2, 5), f32(3))[a] f32 strided", "conv2d(f32(2, 5)"));
        assertTrue(Case.selected("cpu conv2d(f32(2, 5), f32(3))[a] f32 strided", "conv2d*strided"));
        assertFalse(Case.selected("cpu conv2d(f32(2, 5), f32(3))[a] f32 strided", "conv2d*offset"));
        assertTrue(Case.selected("anything", ""));
        assertEquals("./mvnw -pl cpu -am test -Dcase='", new Case("cpu", dev.jacquard.tensor.op.OpTable.rows().getFirst().samples().getFirst(), DType.F32, "x", 1).rerun()
                .substring(0, 32));
    }
}
