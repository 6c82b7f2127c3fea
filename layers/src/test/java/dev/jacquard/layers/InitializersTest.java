package dev.jacquard.layers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.random.Philox;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class InitializersTest {
    private static final Shape KERNEL = Shape.of(64, 3, 3, 32);

    private static double deviation(float[] v) {
        double sum = 0;
        double squares = 0;
        for (float x : v) {
            sum += x;
            squares += (double) x * x;
        }
        double mean = sum / v.length;
        return Math.sqrt(squares / v.length - mean * mean);
    }

    private static double largest(float[] v) {
        double m = 0;
        for (float x : v) {
            m = Math.max(m, Math.abs(x));
        }
        return m;
    }

    @Test
    void fansAreTorchs() {
        assertEquals(3 * 3 * 32, Initializers.Fan.IN.of(KERNEL));
        assertEquals(64 * 3 * 3, Initializers.Fan.OUT.of(KERNEL));
        assertEquals(10, Initializers.Fan.IN.of(Shape.of(7, 10)));
        assertEquals(7, Initializers.Fan.OUT.of(Shape.of(7, 10)));
    }

    @Test
    void kaimingNormalHasItsDeviation() {
        assertEquals(Math.sqrt(2.0 / 288), deviation(Initializers.kaimingNormal(Initializers.Fan.IN, Math.sqrt(2)).values(KERNEL, 1)), 0.002);
        assertEquals(Math.sqrt(2.0 / 576), deviation(Initializers.kaimingNormal(Initializers.Fan.OUT, Math.sqrt(2)).values(KERNEL, 1)), 0.002);
    }

    @Test
    void varianceScalingIsTruncatedAndKeepsItsDeviation() {
        float[] v = Initializers.varianceScalingNormal(2, Initializers.Fan.OUT).values(KERNEL, 1);
        double wanted = Math.sqrt(2.0 / 576);
        assertEquals(wanted, deviation(v), 0.01 * wanted);
        // The bound is two deviations of the normal that was cut: 2 / 0.8796 of the wanted one.
        assertTrue(largest(v) <= 2.27371 * wanted && largest(v) > 2.25 * wanted, Double.toString(largest(v) / wanted));
        assertArrayEquals(v, Initializers.varianceScalingNormal(2, Initializers.Fan.OUT).values(KERNEL, 1));
        float[] u = Initializers.varianceScalingUniform(1.0 / 3, Initializers.Fan.OUT).values(Shape.of(100, 700), 1);
        assertTrue(largest(u) <= 0.1f && largest(u) > 0.0999, Double.toString(largest(u)));
    }

    @Test
    void biasesBeginAtZeroOrByTheFanIn() {
        assertEquals(0, largest(new Linear(400, 3000, new FirstValues(Initializers.standard(), true)).variables().get("bias").initialValues(5)));
        Conv2d.Config c = Conv2d.Config.of(8, 5000, 3).groups(2).bias(true);
        assertEquals(1.0 / 6, largest(new Conv2d(c).variables().get("bias").initialValues(5)), 0.001);
        assertEquals(0, largest(new Conv2d(c.first(new FirstValues(Initializers.standard(), true))).variables().get("bias").initialValues(5)));
    }

    @Test
    void standardIsUniformWithinItsBound() {
        float[] v = Initializers.standard().values(KERNEL, 3);
        double bound = 1 / Math.sqrt(288);
        assertTrue(largest(v) <= bound * (1 + 1e-6) && largest(v) > 0.99 * bound, Double.toString(largest(v)));
        assertEquals(bound / Math.sqrt(3), deviation(v), 0.001);
        Variable bias = new Linear(400, 3000).variables().get("bias");
        assertTrue(largest(bias.initialValues(5)) <= 0.05f);
    }

    @Test
    void valuesAreThoseOfOnePassHoweverLarge() {
        Shape large = Shape.of(257, 3, 3, 61);
        float[] want = new float[(int) large.size()];
        Philox.normals(11, 0, 0, 0, want, 0, want.length);
        assertArrayEquals(want, Initializers.kaimingNormal(Initializers.Fan.IN, Math.sqrt(3 * 3 * 61)).values(large, 11), 1e-6f);
    }

    @Test
    void valuesAreAFunctionOfTheSeed() {
        Initializer i = Initializers.kaimingNormal(Initializers.Fan.IN, 1);
        assertArrayEquals(i.values(KERNEL, 7), i.values(KERNEL, 7));
        assertFalse(Arrays.equals(i.values(KERNEL, 7), i.values(KERNEL, 8)));
    }
}
