package dev.jacquard.cpu;

/** A convolution planned with {@link Epilogue#STATISTICS}: it also makes the mean and the biased variance of each channel of what it stores. */
public interface StatisticsConv extends PackedConv {
    /** Where the next run writes them: a float per output channel each. */
    void statistics(long mean, long variance);
}
