package dev.jacquard.train;

/**
 * How a training run ended; {@code result.json}.
 *
 * @param complete whether there is nothing left to do; if not, the run can be resumed
 * @param ended why it ended
 * @param steps steps done
 * @param epochs epochs done, evaluation included
 * @param last the last evaluation; null before the first
 * @param last_ema the last evaluation of averaged weights; null where there are none
 * @param best_top1 percent, of the best epoch; null before the first evaluation
 * @param best_ema_top1 percent, of the averaged weights in their best epoch; null where there are none
 * @param best_weights the file of the best weights; null before the first evaluation
 * @param images_per_second of this part of the run, evaluation and checkpoints not counted
 * @param seconds of training, over all parts
 * @param skipped_images pictures that could not be decoded
 * @param skipped_updates updates whose gradients were not all finite; null where the loss is not scaled
 */
public record Outcome(boolean complete, Ending ended, long steps, int epochs, Evaluation last, Evaluation last_ema, Double best_top1, Double best_ema_top1, String best_weights,
        double images_per_second, double seconds, int skipped_images, Integer skipped_updates) {}
