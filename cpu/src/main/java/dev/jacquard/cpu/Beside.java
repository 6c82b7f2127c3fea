package dev.jacquard.cpu;

/** Addresses of what an {@link Epilogue} reads or writes beside the operands of {@link PackedConv#run}. */
public sealed interface Beside {
    /** What images are multiplied by as they are read. @param gates a float per image and channel */
    record Gates(long gates) implements Beside {}

    /** Of {@link Epilogue#rectifier()}. @param result of a ReLU, of the output's shape: where it is not positive, the gradient is zero */
    record Rectified(long result) implements Beside {}

    /**
     * Of {@link Epilogue.Sums#MOMENTS}: results, a float per output channel each.
     *
     * @param mean of what is stored
     * @param variance biased
     */
    record Moments(long mean, long variance) implements Beside {}

    /**
     * Of {@link Epilogue.Sums#GRADIENT}: what the normalisation before a convolution was given, and the results. All but the images are a float per output channel.
     *
     * @param images what was normalised, of the output's shape
     * @param mean of the images
     * @param variance of the images
     * @param gamma only if the images say where the gradient goes on, else 0
     * @param beta likewise
     * @param eps added to the variance
     * @param dgamma result: sum of the stored gradient times the normalised images
     * @param dbeta result: sum of the stored gradient
     */
    record Normalised(long images, long mean, long variance, long gamma, long beta, double eps, long dgamma, long dbeta) implements Beside {}
}
