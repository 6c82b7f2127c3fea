package dev.jacquard.train;

import java.nio.file.Path;

/** Sees a training run go by, on the training thread. Every method does nothing by default. */
public interface TrainListener {
    /**
     * After a step.
     *
     * @param step steps done
     * @param totalSteps of the whole run
     * @param epoch the current one, from 1
     * @param loss mean over the last few steps; NaN if all of them were skipped
     * @param lr learning rate of the step
     * @param imagesPerSecond lately
     */
    default void step(long step, long totalSteps, int epoch, double loss, double lr, double imagesPerSecond) {}

    /**
     * At a line of the log, before its step is told of: updates were skipped since the line before, as their gradients overflowed.
     *
     * @param step steps done
     * @param scale of the loss now
     * @param skipped updates of the run so far
     */
    default void skipped(long step, double scale, int skipped) {}

    /**
     * At a line of the log, after its step is told of: for two lines now, steps have had to wait for pictures.
     *
     * @param step steps done
     * @param share how much, and what for
     */
    default void waited(long step, DataShare share) {}

    /** Evaluation on the held-out pictures begins. @param epoch from 1 */
    default void evaluating(int epoch) {}

    /** After an epoch's evaluation. @param line what the log says @param best whether it is the best so far */
    default void epoch(RunLog.Line line, boolean best) {}

    /** A checkpoint is safe. */
    default void saved(Path checkpoint) {}
}
