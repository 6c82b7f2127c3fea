package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;

/** Checks of probabilities. */
final class Probability {
    private Probability() {}

    /** A probability of surviving, in (0, 1]. */
    static double survival(String layer, double survival) {
        if (!(survival > 0 && survival <= 1)) {
            throw new CallerException(layer, "probability out of range", "survival of " + survival, "survival in (0, 1]", "check the rate");
        }
        return survival;
    }
}
