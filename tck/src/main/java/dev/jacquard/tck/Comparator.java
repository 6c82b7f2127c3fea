package dev.jacquard.tck;

import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Compares results, safe against NaN: positions of NaN first, then infinities by sign, then errors by {@code !(error <= tolerance)}. Zeros of both signs are equal.
 */
public final class Comparator {
    private Comparator() {}

    /**
     * What is wrong with a result; empty if nothing is.
     *
     * @param type element type and shape of the result
     * @param got the result
     * @param want the exact values, not rounded
     * @param tolerance the row of the table
     * @param scale magnitude of what was summed; 1 for samples
     */
    public static Optional<String> difference(TensorType type, double[] got, double[] want, Tolerance tolerance, double scale) {
        if (got.length != want.length || got.length != type.shape().size()) {
            return Optional.of("got " + got.length + " elements, want " + want.length + " of " + type);
        }
        int bad = 0;
        int first = -1;
        int worst = -1;
        double most = -1;
        for (int i = 0; i < got.length; i++) {
            double used = used(type, got[i], want[i], tolerance, scale);
            if (!(used <= 1)) {
                bad++;
                first = first < 0 ? i : first;
            }
            if (rank(used) > most) {
                most = rank(used);
                worst = i;
            }
        }
        return bad == 0 ? Optional.empty() : Optional.of(describe(type, got, want, tolerance, scale, worst, first, bad));
    }

    /** Part of the tolerance that the worst element uses, 0 to 1 for a result that passes. */
    public static double headroomUsed(TensorType type, double[] got, double[] want, Tolerance tolerance, double scale) {
        double most = 0;
        for (int i = 0; i < got.length; i++) {
            most = Math.max(most, rank(used(type, got[i], want[i], tolerance, scale)));
        }
        return most;
    }

    /** Part of the tolerance that an element uses; NaN or infinite where that makes no sense because the kinds of value differ. */
    private static double used(TensorType type, double got, double want, Tolerance tolerance, double scale) {
        double rounded = Elements.round(type.dtype(), want);
        if (type.dtype().isFloating() && (Double.isNaN(got) || Double.isNaN(rounded))) {
            return Double.isNaN(got) && Double.isNaN(rounded) ? 0 : Double.NaN;
        }
        if (got == rounded) {
            return 0;
        }
        if (Double.isInfinite(got) || Double.isInfinite(rounded)) {
            return Double.POSITIVE_INFINITY;
        }
        double allowed = tolerance.at(want, scale);
        return allowed == 0 ? Double.POSITIVE_INFINITY : Math.abs(got - want) / allowed;
    }

    /** Orders NaN above infinity above numbers. */
    private static double rank(double used) {
        return Double.isNaN(used) ? Double.POSITIVE_INFINITY : Math.min(used, Double.MAX_VALUE);
    }

    private static String describe(TensorType type, double[] got, double[] want, Tolerance tolerance, double scale, int worst, int first, int bad) {
        double error = Math.abs(got[worst] - want[worst]);
        double used = used(type, got[worst], want[worst], tolerance, scale);
        String kind = Double.isNaN(got[worst]) != Double.isNaN(want[worst]) ? "NaN on one side only"
                : String.format(Locale.ROOT, "max err %.3g", error);
        return String.format(Locale.ROOT, "%s at %s  got %.9g  want %.9g  tolerance %s %.3g  (%s used); %d of %d bad, the first at %s",
                kind, index(type.shape(), worst), got[worst], want[worst], tolerance.name(), tolerance.at(want[worst], scale),
                Double.isFinite(used) ? String.format(Locale.ROOT, "%.0f %%", used * 100) : "more than all", bad, got.length, index(type.shape(), first));
    }

    private static String index(Shape shape, int flat) {
        long[] index = new long[shape.rank()];
        long rest = flat;
        for (int a = index.length - 1; a >= 0; a--) {
            index[a] = rest % shape.dim(a);
            rest /= shape.dim(a);
        }
        return Arrays.toString(index).replace('[', '(').replace(']', ')');
    }
}
