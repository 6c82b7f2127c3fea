package dev.jacquard.train;

import java.util.Optional;

/**
 * When a run ends, or this part of it.
 *
 * @param epochs of the whole run
 * @param lastEpoch epochs of the whole run that are done when this part ends
 * @param patience epochs without a better top-1 after which it ends; 0 for never
 * @param targetTop1 percent at which it ends; 0 for never
 * @param maxSteps steps of the whole run after which this part ends; 0 for never
 */
record Stopping(int epochs, int lastEpoch, int patience, double targetTop1, long maxSteps) {
    /** What a configuration says. @param done epochs that parts before have done */
    static Stopping of(TrainConfig config, int done) {
        int run = config.schedule().runEpochs();
        boolean blind = config.machine().trainingOnly(); // accuracy is never known
        return new Stopping(config.schedule().epochs(), run > 0 ? done + run : Integer.MAX_VALUE, blind ? 0 : Math.max(config.stop().patience(), 0),
        blind ? 0 : config.stop().targetTop1(),
                Math.max(config.stop().maxSteps(), 0));
    }

    /** Why a run that stands between two epochs goes no further; empty if it does. */
    Optional<Ending> betweenEpochs(Progress p) {
        if (targetTop1 > 0 && p.bestTop1() >= targetTop1) {
            return Optional.of(Ending.TARGET);
        }
        if (p.epoch() >= epochs) {
            return Optional.of(Ending.EPOCHS);
        }
        if (patience > 0 && p.epoch() - p.bestEpoch() >= patience) {
            return Optional.of(Ending.EARLY_STOPPING);
        }
        if (p.epoch() >= lastEpoch) {
            return Optional.of(Ending.RUN_EPOCHS);
        }
        return after(p.step()) ? Optional.of(Ending.MAX_STEPS) : Optional.empty();
    }

    /** Whether no step follows a number of steps. */
    boolean after(long steps) {
        return maxSteps > 0 && steps >= maxSteps;
    }
}
