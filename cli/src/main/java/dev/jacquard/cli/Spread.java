package dev.jacquard.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What repeated measurements of one thing come to. All three are NaN if there are none.
 *
 * @param least of them
 * @param median the middle one; of an even number the mean of the two
 * @param most of them
 */
public record Spread(double least, double median, double most) {
    /** Of measurements in any order. */
    public static Spread of(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        return n == 0 ? new Spread(Double.NaN, Double.NaN, Double.NaN) : new Spread(sorted[0], (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sorted[n - 1]);
    }

    /** Of measurements in any order. */
    public static Spread of(List<Double> values) {
        return of(values.stream().mapToDouble(d -> d).toArray());
    }

    /** A number as tables have it, by a format such as {@code %.2f}: empty for NaN, what is not known. */
    public static String text(String format, double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, format, value);
    }
}
