package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Mean and variance per channel of a convolution's results, from those of slices, whose chunks write them with {@link StatisticsCode} or {@link StatisticsRows}. */
final class ChannelStatistics extends ChannelSums {
    private final MemorySegment counts;
    private final Kernel merge;

    private Beside.Moments results;

    ChannelStatistics(InstructionSet set, int groups, int channels, int[] pixels, Workers workers) {
        super(set, groups, channels, pixels, StatisticsCode.slotBytes(set), workers);
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

    @Override
    void operands(Beside operands) {
        results = (Beside.Moments) operands;
    }

    @Override
    void merge(long slot, int first, int count) {
        long ignored = merge.call(slot, slices, sliceBytes(), counts.address(), results.mean() + 4L * first, results.variance() + 4L * first, count, 0, 0, 0);
    }
}
