package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Mean and variance per channel of a convolution's results, from those of slices: pixels that one chunk computes. Each slice has a slot for each vector of channels, which its
 * chunk alone writes, with {@link StatisticsCode} or {@link StatisticsRows}; slices follow from the shape alone and are combined in order, so that results do not depend on the
 * number of threads. Not for two threads at once.
 */
final class ChannelStatistics {
    /** Vectors that are combined at once. */
    private static final int VECTORS = 4;

    private final InstructionSet set;
    private final Workers workers;
    private final int groups;
    private final int channels;
    private final int slices;
    private final MemorySegment counts;
    private final Kernel merge;
    private final Workers.Task task = this::merge;

    private long mean;
    private long variance;
    private long slots;

    /**
     * A plan.
     *
     * @param groups of channels; each begins with a vector of its own
     * @param channels of a group
     * @param pixels of each slice, at least 1
     */
    ChannelStatistics(InstructionSet set, int groups, int channels, int[] pixels, Workers workers) {
        this.set = set;
        this.workers = workers;
        this.groups = groups;
        this.channels = channels;
        slices = pixels.length;
        counts = Native.zeros(StatisticsMerge.COUNTS + 8L * slices);
        long all = 0;
        for (int i = 0; i < slices; i++) {
            all += pixels[i];
            counts.set(ValueLayout.JAVA_FLOAT, StatisticsMerge.COUNTS + 8L * i, pixels[i]);
            counts.set(ValueLayout.JAVA_FLOAT, StatisticsMerge.COUNTS + 8L * i + 4, 1f / pixels[i]);
        }
        counts.set(ValueLayout.JAVA_FLOAT, 0, 1f / all);
        merge = Kernel.of(new StatisticsMerge(set));
    }

    /** Bytes of {@code statistics}, 0 if there are none. */
    static long bytes(ChannelStatistics statistics) {
        return statistics == null ? 0 : Raw.align(statistics.sliceBytes() * statistics.slices);
    }

    /** Where the next run's results go. */
    void results(long meanAt, long varianceAt) {
        mean = meanAt;
        variance = varianceAt;
    }

    /** Where the next run has its slots. */
    void place(long address) {
        slots = address;
    }

    private long sliceBytes() {
        return (long) groups * set.vectors(channels) * StatisticsCode.slotBytes(set);
    }

    /** Address of a slot; the next vectors' follow it. */
    long slot(int slice, int group, int vector) {
        return slots + sliceBytes() * slice + (long) (group * set.vectors(channels) + vector) * StatisticsCode.slotBytes(set);
    }

    /** The results, once all slots are written. */
    void finish() {
        workers.run(task, groups * parts());
    }

    private int parts() {
        return Math.ceilDiv(set.vectors(channels), VECTORS);
    }

    private void merge(int chunk, int worker) {
        int group = chunk / parts();
        int vector = chunk % parts() * VECTORS;
        int first = vector * set.lanes();
        long at = 4L * (group * channels + first);
        long ignored = merge.call(slot(0, group, vector), slices, sliceBytes(), counts.address(), mean + at, variance + at,
                Math.min(VECTORS * set.lanes(), channels - first), 0, 0, 0);
    }
}
