package dev.jacquard.layers;

import dev.jacquard.tensor.CallerException;
import java.util.List;

/**
 * A run's learning rate as a recipe states it, in epochs. Systems make different schedules of the same words; {@link Convention} says whose is meant.
 *
 * @param curve what follows the warm-up
 * @param convention how the curve is counted and warmed up to
 * @param base the highest rate, scaled already ({@link LrScaling})
 * @param end where cosine and linear curves lead
 * @param warmupEpochs length of the warm-up
 * @param warmupStart where the warm-up begins
 * @param epochs of the whole run, the warm-up among them
 * @param milestones epochs at which step and piecewise curves change, counted from the beginning of the run
 * @param multipliers of a piecewise curve: of the base, one more than milestones
 * @param factor of step and exponential curves
 * @param every epochs between the stairs of an exponential curve, counted from the end of the warm-up
 */
public record LearningRate(Curve curve, Convention convention, double base, double end, double warmupEpochs, double warmupStart, double epochs, List<Double> milestones,
        List<Double> multipliers, double factor, double every) {
    /** What the rate does after the warm-up. */
    public enum Curve { CONSTANT, STEP, LINEAR, COSINE, EXPONENTIAL, PIECEWISE, LINEAR_COSINE }

    /** Whose schedule. */
    public enum Convention {
        /** Ours: per step, the warm-up's first step a step up: {@code base (t + 1) / W}. */
        PER_STEP,
        /** NVIDIA's PyTorch system: per epoch, {@code base (e + 1) / W} in epoch e of the warm-up. */
        NVIDIA_PYTORCH,
        /** NVIDIA's TensorFlow system: per step, {@code base t / W}, so that the first step has a rate of 0; curves begin where the warm-up ends. */
        TENSORFLOW,
        /** NVIDIA's Paddle system: per step, {@code start + (base - start) t / round(W)}. */
        PADDLE
    }

    /** Takes copies, and checks what all curves need. @throws CallerException if rates or lengths make no sense */
    public LearningRate {
        milestones = List.copyOf(milestones);
        multipliers = List.copyOf(multipliers);
        if (!(base >= 0 && end >= 0 && warmupStart >= 0 && warmupEpochs >= 0 && epochs > 0)) {
            throw new CallerException("learning_rate", "rate or length out of range", "base %s, end %s, warm-up from %s over %s of %s epochs".formatted(base, end, warmupStart,
                    warmupEpochs, epochs), "rates of 0 or more, some epochs", "check the recipe");
        }
        boolean whole = warmupEpochs == Math.rint(warmupEpochs) && epochs == Math.rint(epochs);
        if (convention == Convention.NVIDIA_PYTORCH && !whole) {
            throw new CallerException("learning_rate", "parts of epochs in a schedule per epoch", "warm-up over %s of %s".formatted(warmupEpochs, epochs), "whole epochs",
                    "round them, or choose a schedule per step");
        }
    }

    /** A curve without warm-up; what it needs besides is as in the published systems: a tenth at epochs 30, 60 and 80, stairs of 0.97 every 2.4 epochs, an end of 0. */
    public static LearningRate of(Curve curve, Convention convention, double base, double epochs) {
        return new LearningRate(curve, convention, base, 0, 0, 0, epochs, List.of(30.0, 60.0, 80.0), List.of(1.0, 0.1, 0.01, 0.001), curve == Curve.EXPONENTIAL ? 0.97 : 0.1, 2.4);
    }

    /** The same with a warm-up from 0. */
    public LearningRate warmup(double length) {
        return new LearningRate(curve, convention, base, end, length, warmupStart, epochs, milestones, multipliers, factor, every);
    }

    /** The same with a warm-up that begins elsewhere. */
    public LearningRate warmupStart(double rate) {
        return new LearningRate(curve, convention, base, end, warmupEpochs, rate, epochs, milestones, multipliers, factor, every);
    }

    /** The same with another end. */
    public LearningRate end(double rate) {
        return new LearningRate(curve, convention, base, rate, warmupEpochs, warmupStart, epochs, milestones, multipliers, factor, every);
    }

    /** The same with other milestones, in epochs. */
    public LearningRate milestones(List<Double> other) {
        return new LearningRate(curve, convention, base, end, warmupEpochs, warmupStart, epochs, other, multipliers, factor, every);
    }

    /** The same with other multipliers of a piecewise curve. */
    public LearningRate multipliers(List<Double> other) {
        return new LearningRate(curve, convention, base, end, warmupEpochs, warmupStart, epochs, milestones, other, factor, every);
    }

    /** The same with another factor, and stairs of another width in epochs. */
    public LearningRate decay(double by, double everyEpochs) {
        return new LearningRate(curve, convention, base, end, warmupEpochs, warmupStart, epochs, milestones, multipliers, by, everyEpochs);
    }

    /**
     * The schedule.
     *
     * @param stepsPerEpoch updates per epoch; where gradients are accumulated, fewer than batches and not always a whole number, so that curves end where the run does. Whole with
     *     a schedule per epoch
     */
    public Schedule schedule(double stepsPerEpoch) {
        boolean perEpoch = convention == Convention.NVIDIA_PYTORCH;
        double unit = perEpoch ? 1 : stepsPerEpoch;
        long from = Math.round(warmupEpochs * unit);
        long to = Math.round(epochs * unit);
        boolean firstUp = convention == Convention.PER_STEP || perEpoch;
        Schedule whole = new Schedule.WarmUp(from, warmupStart, base, firstUp, curve(unit, from, Math.max(from, to)));
        return perEpoch ? new Schedule.PerEpoch(whole, (long) stepsPerEpoch) : whole;
    }

    private Schedule curve(double unit, long from, long to) {
        return switch (curve) {
            case CONSTANT -> new Schedule.Constant(base);
            case STEP -> new Schedule.Steps(base, milestones.stream().map(m -> Math.round(m * unit)).toList(), factor);
            case LINEAR -> new Schedule.Linear(base, from, to, end);
            case COSINE -> new Schedule.Cosine(base, from, to, end);
            case LINEAR_COSINE -> new Schedule.LinearCosine(base, from, to);
            case EXPONENTIAL -> new Schedule.Exponential(base, from, every * unit, factor, true);
            case PIECEWISE -> new Schedule.Piecewise(milestones.stream().map(m -> m * unit).toList(), multipliers.stream().map(m -> m * base).toList());
        };
    }
}
