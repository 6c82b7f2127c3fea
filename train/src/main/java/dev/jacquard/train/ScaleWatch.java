package dev.jacquard.train;

import dev.jacquard.mixedprecision.LossScale;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.mixedprecision.MixedPrecision;
import java.util.Optional;

/**
 * Tells overflows that loss scaling is there for from a divergence. A step whose gradients are not finite is skipped, and the scale shrinks: so a run may begin with too large a
 * scale, and meet one again whenever it grows. But where the scale cannot shrink any more, or no update succeeds for long, the numbers are bad at any scale.
 *
 * <p>PyTorch, Keras and Paddle go on skipping for ever, at a scale that tends to 0 or stays at 1.
 */
final class ScaleWatch {
    /**
     * F16's smallest normal number: the gradient of the logits, which is the scale times at most 1, would be below what F16 represents in full. A scale is there to lift gradients;
     * where one that small is too large still, it is not the gradients' size that overflows.
     */
    static final double LEAST = 0x1p-14;
    /** Updates skipped in a row. Paddle's form, the slowest to shrink, takes 94 to come from 32768 down to 1; nothing that scaling can heal takes twice as many. */
    static final int MOST_IN_A_ROW = 200;

    /** Null if the loss is not scaled. */
    private final LossScale rule;
    private final int accumulation;
    private long good = -1;
    private long goodAt;
    private int told;

    /** @param precision of the run; null for F32 @param accumulation steps that make one update */
    ScaleWatch(MixedPrecision precision, int accumulation) {
        this.rule = precision == null ? null : precision.scale();
        this.accumulation = accumulation;
    }

    /** Judges a computed step whose loss is not finite. @param steps done before it @return why it is a divergence; empty if it is skipped, and may be */
    Optional<String> judge(TrainStep step, long steps) {
        if (rule == null || !step.overflows()) {
            return Optional.of(rule == null ? "" : "its gradients are finite");
        }
        LossScaler.Reading now = step.scale();
        if (shrinks() && now.scale() <= Math.max(rule.minimum(), least())) {
            return Optional.of(shrunk(now));
        }
        return judge(now, steps);
    }

    /** Judges how things stand between steps. @param steps done @return why it is a divergence; empty if it is none */
    Optional<String> judge(LossScaler.Reading now, long steps) {
        long updates = steps / accumulation;
        if (updates - now.skipped() > good) {
            good = updates - now.skipped();
            goodAt = updates;
        }
        if (shrinks() && now.scale() < least()) {
            return Optional.of(shrunk(now));
        }
        return updates - goodAt < MOST_IN_A_ROW ? Optional.empty()
                : Optional.of("the last " + (updates - goodAt) + " updates were skipped, the loss scale being " + Settings.text(now.scale()));
    }

    private static String shrunk(LossScaler.Reading now) {
        return "the loss scale has shrunk to " + Settings.text(now.scale()) + ", after " + now.skipped() + " skipped updates";
    }

    private boolean shrinks() {
        return rule.backoff() < 1;
    }

    /** Who begins with less has reasons. */
    private double least() {
        return Math.min(LEAST, rule.initial() / 2);
    }

    /** Whether updates were skipped since this was last asked. */
    boolean more(LossScaler.Reading now) {
        boolean more = now.skipped() > told;
        told = now.skipped();
        return more;
    }
}
