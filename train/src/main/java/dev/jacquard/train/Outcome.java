package dev.jacquard.train;

/**
 * How a training run ended; {@code result.json}.
 *
 * @param complete whether all epochs were done; if not, the run was asked to stop and can be resumed
 * @param steps steps done
 * @param epochs epochs done, evaluation included
 * @param last the last evaluation; null before the first
 * @param best_top1 percent; null before the first evaluation
 * @param images_per_second of this part of the run, evaluation and checkpoints not counted
 * @param seconds of training, over all parts
 * @param skipped_images pictures that could not be decoded
 */
public record Outcome(boolean complete, long steps, int epochs, Evaluation last, Double best_top1, double images_per_second, double seconds, int skipped_images) {}
