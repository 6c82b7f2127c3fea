package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;
import java.util.List;

/** The learning rate as a function of the step, counted from 0. */
public sealed interface Schedule {
    /** Learning rate of a step. */
    double lr(long step);

    /** One rate for all steps. */
    static Schedule constant(double base) {
        return new Constant(base);
    }

    /**
     * Linear warm-up, then half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983). With W warm-up steps of T in all: for {@code t < W} the rate is
     * {@code base (t + 1) / W}, then {@code end + (base - end) / 2 (1 + cos(pi (t - W) / (T - W)))}, and {@code end} from T on.
     */
    static Schedule cosine(double base, long warmupSteps, long totalSteps, double endLr) {
        return new Cosine(base, warmupSteps, totalSteps, endLr);
    }

    /** Linear warm-up as in {@link #cosine}, then {@code base factor^n}, n being the number of milestones that are not after the step. */
    static Schedule steps(double base, long warmupSteps, List<Long> milestones, double factor) {
        return new Steps(base, warmupSteps, milestones, factor);
    }

    /** See {@link Schedule#constant}. */
    record Constant(double base) implements Schedule {
        @Override
        public double lr(long step) {
            return base;
        }
    }

    /** See {@link Schedule#cosine}. */
    record Cosine(double base, long warmupSteps, long totalSteps, double endLr) implements Schedule {
        /** Checks the ranges. */
        public Cosine {
            if (warmupSteps < 0 || totalSteps < warmupSteps) {
                throw new CallerException("schedule", "warm-up does not fit", warmupSteps + " of " + totalSteps + " steps", "0 <= warm-up <= total", "warm up for fewer steps");
            }
        }

        @Override
        public double lr(long step) {
            if (step < warmupSteps) {
                return warmup(base, step, warmupSteps);
            }
            if (step >= totalSteps) {
                return endLr;
            }
            double done = (double) (step - warmupSteps) / (totalSteps - warmupSteps);
            // StrictMath: the same rate on every machine, as bitwise resuming needs.
            return endLr + 0.5 * (base - endLr) * (1 + StrictMath.cos(Math.PI * done));
        }
    }

    /** See {@link Schedule#steps}. */
    record Steps(double base, long warmupSteps, List<Long> milestones, double factor) implements Schedule {
        /** Takes a copy of the milestones. */
        public Steps {
            milestones = List.copyOf(milestones);
        }

        @Override
        public double lr(long step) {
            long passed = milestones.stream().filter(m -> m <= step).count();
            return step < warmupSteps ? warmup(base, step, warmupSteps) : base * StrictMath.pow(factor, passed);
        }
    }

    private static double warmup(double base, long step, long steps) {
        return base * (step + 1) / steps;
    }
}
