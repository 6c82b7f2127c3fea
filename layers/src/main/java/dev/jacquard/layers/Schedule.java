package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;
import java.util.List;

/**
 * The learning rate as a function of the step, counted from 0. Curves count in units, steps or, below {@link PerEpoch}, epochs; {@link LearningRate} makes schedules of
 * what a recipe says in epochs, as each published system does. Everything is computed in double by {@link StrictMath}: the same rate on every machine, as bitwise
 * resuming needs.
 */
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
        return new WarmUp(warmupSteps, 0, base, true, new Cosine(base, warmupSteps, totalSteps, endLr));
    }

    /** Linear warm-up as in {@link #cosine}, then {@code base factor^n}, n being the number of milestones that are not after the step. */
    static Schedule steps(double base, long warmupSteps, List<Long> milestones, double factor) {
        return new WarmUp(warmupSteps, 0, base, true, new Steps(base, milestones, factor));
    }

    /** See {@link Schedule#constant}. */
    record Constant(double base) implements Schedule {
        @Override
        public double lr(long step) {
            return base;
        }
    }

    /** {@code end + (base - end) / 2 (1 + cos(pi x))}, x being the part done of the way from one unit to another; {@code end} afterwards. */
    record Cosine(double base, long from, long to, double end) implements Schedule {
        /** Checks the order. @throws CallerException if it ends before it begins */
        public Cosine {
            inOrder(from, to);
        }

        @Override
        public double lr(long step) {
            return step >= to ? end : end + 0.5 * (base - end) * (1 + StrictMath.cos(Math.PI * (step - from) / (to - from)));
        }
    }

    /** {@code end + (base - end) (1 - x)}, x being the part done of the way from one unit to another; {@code end} afterwards. */
    record Linear(double base, long from, long to, double end) implements Schedule {
        /** Checks the order. @throws CallerException if it ends before it begins */
        public Linear {
            inOrder(from, to);
        }

        @Override
        public double lr(long step) {
            return step >= to ? end : end + (base - end) * (1 - (double) (step - from) / (to - from));
        }
    }

    /**
     * TensorFlow's linear cosine decay (Bello et al. 2017, arXiv:1709.07417) as NVIDIA's system sets it: {@code base ((1 - x) (1 + cos(pi x)) / 2 + 0.001)}, x being the
     * part done. The system asks for the noisy variant, whose noise is drawn by TensorFlow at every step; there is none here.
     */
    record LinearCosine(double base, long from, long to) implements Schedule {
        private static final double FLOOR = 0.001;

        /** Checks the order. @throws CallerException if it ends before it begins */
        public LinearCosine {
            inOrder(from, to);
        }

        @Override
        public double lr(long step) {
            double done = step >= to ? 1 : (double) (step - from) / (to - from);
            return base * ((1 - done) * 0.5 * (1 + StrictMath.cos(Math.PI * done)) + FLOOR);
        }
    }

    /** {@code base factor^((t - from) / every)}, the exponent rounded down if it is a staircase. */
    record Exponential(double base, long from, double every, double factor, boolean staircase) implements Schedule {
        /** Checks the ranges. @throws CallerException if the stairs have no width or the factor is not positive */
        public Exponential {
            require(every > 0 && factor > 0, "exponential decay out of range", factor + " every " + every, "both above 0", "0.97 every 2.4 epochs is EfficientNet's");
        }

        @Override
        public double lr(long step) {
            double exponent = (step - from) / every;
            return base * StrictMath.pow(factor, staircase ? Math.floor(exponent) : exponent);
        }
    }

    /** {@code base factor^n}, n being the number of milestones that are not after the unit. */
    record Steps(double base, List<Long> milestones, double factor) implements Schedule {
        /** Takes a copy of the milestones. */
        public Steps {
            milestones = List.copyOf(milestones);
        }

        @Override
        public double lr(long step) {
            return base * StrictMath.pow(factor, milestones.stream().filter(m -> m <= step).count());
        }
    }

    /** The first rate up to and including the first boundary, then the second one up to the next, as TensorFlow's piecewise constant has it; a rate more than boundaries. */
    record Piecewise(List<Double> boundaries, List<Double> rates) implements Schedule {
        /** Takes copies. @throws CallerException if the numbers do not fit */
        public Piecewise {
            boundaries = List.copyOf(boundaries);
            rates = List.copyOf(rates);
            require(rates.size() == boundaries.size() + 1, "boundaries and rates do not fit", boundaries.size() + " and " + rates.size(), "one rate more than boundaries",
                    "add a rate for what comes after the last boundary");
        }

        @Override
        public double lr(long step) {
            return rates.get(Math.toIntExact(boundaries.stream().filter(b -> step > b).count()));
        }
    }

    /**
     * Linear warm-up, then another schedule, which is told units from the beginning of the run: {@code start + (peak - start) t / W} for t below W, with t + 1 for t if the
     * first unit is a step up already.
     *
     * @param units W; 0 for none
     * @param start where it begins
     * @param peak where it leads
     * @param firstUp whether the first unit's rate is above the start
     * @param then what follows
     */
    record WarmUp(long units, double start, double peak, boolean firstUp, Schedule then) implements Schedule {
        /** Checks the length. @throws CallerException if it is negative */
        public WarmUp {
            require(units >= 0, "warm-up does not fit", Long.toString(units), "0 or more", "say 0 for no warm-up");
        }

        @Override
        public double lr(long step) {
            return step >= units ? then.lr(step) : start + (peak - start) * (step + (firstUp ? 1 : 0)) / units;
        }
    }

    /** A schedule of epochs: the rate changes where an epoch begins and nowhere else. */
    record PerEpoch(Schedule epochs, long stepsPerEpoch) implements Schedule {
        /** Checks the length. @throws CallerException if an epoch has no step */
        public PerEpoch {
            require(stepsPerEpoch > 0, "epoch without steps", Long.toString(stepsPerEpoch), "1 or more", "check the number of images and the batch size");
        }

        @Override
        public double lr(long step) {
            return epochs.lr(step / stepsPerEpoch);
        }
    }

    private static void inOrder(long from, long to) {
        require(0 <= from && from <= to, "warm-up does not fit", from + " of " + to, "0 <= warm-up <= total", "warm up for less, or train for longer");
    }

    private static void require(boolean holds, String problem, String got, String want, String todo) {
        if (!holds) {
            throw new CallerException("schedule", problem, got, want, todo);
        }
    }
}
