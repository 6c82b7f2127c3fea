package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The distribution of {@link Beta}: its moments, and all of it by Kolmogorov and Smirnov. Seeds are fixed, so that a test that passes once passes always. */
class BetaTest {
    private static final int N = 40_000;

    private static double[] draws(double alpha) {
        SampleRandom random = new SampleRandom();
        double[] all = new double[N];
        for (int i = 0; i < N; i++) {
            all[i] = Beta.draw(random.at(20261121, 0, i, SampleRandom.MIX), alpha);
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.05, 0.2, 0.4, 0.8, 1, 1.5, 8})
    void hasTheMomentsOfBeta(double alpha) {
        double[] x = draws(alpha);
        double variance = 1 / (4 * (2 * alpha + 1));
        double mean = Arrays.stream(x).average().orElseThrow();
        assertEquals(0.5, mean, 4 * Math.sqrt(variance / N));
        assertEquals(variance, Arrays.stream(x).map(v -> (v - 0.5) * (v - 0.5)).average().orElseThrow(), 0.02 * variance);
        double fourth = variance * variance * (3 - 6 / (2 * alpha + 3)); // the excess kurtosis of Beta(a, a) is -6 / (2 a + 3)
        assertEquals(fourth, Arrays.stream(x).map(v -> Math.pow(v - 0.5, 4)).average().orElseThrow(), 0.04 * fourth);
    }

    /** Not below 0.2: of 0.05, 8 % of the numbers are nearer to 1 than a double can say. */
    @ParameterizedTest
    @ValueSource(doubles = {0.2, 0.4, 0.8, 1, 1.5, 8})
    void isBetaByKolmogorovAndSmirnov(double alpha) {
        double[] x = draws(alpha);
        Arrays.sort(x);
        double distance = 0;
        for (int i = 0; i < N; i++) {
            double below = cumulative(x[i], alpha);
            distance = Math.max(distance, Math.max(below - (double) i / N, (i + 1.0) / N - below));
        }
        assertTrue(distance < 1.628 / Math.sqrt(N), "distance " + distance + " is above the 99 % quantile");
    }

    /** 10^-300 and its like occur, NaN does not: the logarithms see to that. */
    @ParameterizedTest
    @ValueSource(doubles = {1e-6, 1e-3, 0.01, 1e6})
    void isANumberForAnyAlpha(double alpha) {
        for (double v : draws(alpha)) {
            assertTrue(v >= 0 && v <= 1, "Beta(" + alpha + ") gave " + v);
        }
    }

    @Test
    void theDistributionFunctionIsThatOfTheClosedForms() {
        for (double x : new double[] {0.001, 0.1, 0.37, 0.5, 0.62, 0.999}) {
            assertEquals(x, cumulative(x, 1), 1e-12);
            assertEquals(2 / Math.PI * Math.asin(Math.sqrt(x)), cumulative(x, 0.5), 1e-12);
            assertEquals(x * x * (3 - 2 * x), cumulative(x, 2), 1e-12);
        }
    }

    /**
     * Distribution function of Beta(a, a): the power series of the incomplete beta function (Abramowitz and Stegun 26.5.4), up to a half, where it converges fast; by symmetry
     * above. That it is a half at a half stands in for the complete beta function.
     */
    private static double cumulative(double x, double alpha) {
        return x > 0.5 ? 1 - cumulative(1 - x, alpha) : 0.5 * incomplete(x, alpha) / incomplete(0.5, alpha);
    }

    private static double incomplete(double x, double alpha) {
        double sum = 0;
        double term = 1;
        for (int k = 0; k < 200; k++) {
            sum += term / (alpha + k);
            term *= (k + 1 - alpha) / (k + 1) * x;
        }
        return Math.pow(x, alpha) * sum;
    }
}
