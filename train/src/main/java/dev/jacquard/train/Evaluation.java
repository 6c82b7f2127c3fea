package dev.jacquard.train;

/**
 * What a network achieves on a data set.
 *
 * @param loss mean cross entropy, without label smoothing unless the run's configuration asks for it
 * @param top1 percent of pictures whose class came first
 * @param top5 percent of pictures whose class was among the first five
 * @param images number of pictures counted
 */
public record Evaluation(double loss, double top1, double top5, long images) {}
