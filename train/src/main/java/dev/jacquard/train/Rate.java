package dev.jacquard.train;

import dev.jacquard.layers.LearningRate;
import dev.jacquard.layers.Schedule;

/**
 * The learning rate of a run's steps. Where gradients are accumulated, schedules per step count updates, as an optimizer does; those per epoch count steps, so that the rate
 * changes where an epoch begins even if an update lies across it.
 *
 * @param schedule of units
 * @param stepsPerUnit 1, or the steps of an update
 */
public record Rate(Schedule schedule, int stepsPerUnit) {
    /** What a configuration says. @param stepsPerEpoch batches of an epoch */
    public static Rate of(TrainConfig config, int stepsPerEpoch) {
        LearningRate rate = Experiment.learningRate(config);
        int unit = rate.convention() == LearningRate.Convention.NVIDIA_PYTORCH ? 1 : config.batch().accumulation();
        return new Rate(rate.schedule((double) stepsPerEpoch / unit), unit);
    }

    /** Of a step, from 0. */
    public double lr(long step) {
        return schedule.lr(step / stepsPerUnit);
    }
}
