package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;

/**
 * What an epilogue sums up per channel, by slices: pixels that one chunk computes. Each slice has a slot for each vector of channels, which its chunk alone writes; slices follow
 * from the shape alone and are combined in order, so that results do not depend on the number of threads. Not for two threads at once.
 */
abstract sealed class ChannelSums permits ChannelStatistics, GradientSums {
    /** Vectors that are combined at once. */
    private static final int VECTORS = 4;

    final InstructionSet set;
    final int channels;
    final int slices;
    private final Workers workers;
    private final int groups;
    private final int slotBytes;
    private final Workers.Task task = this::merge;

    private long slots;

    /** @param pixels of each slice @param slotBytes of a vector's slot */
    ChannelSums(InstructionSet set, int groups, int channels, int[] pixels, int slotBytes, Workers workers) {
        this.set = set;
        this.groups = groups;
        this.channels = channels;
        this.workers = workers;
        this.slotBytes = slotBytes;
        slices = pixels.length;
    }

    /**
     * A plan; null if the epilogue sums nothing.
     *
     * @param groups of channels; each begins with a vector of its own
     * @param channels of a group
     * @param pixels of each slice, at least 1
     */
    static ChannelSums of(Epilogue epilogue, InstructionSet set, int groups, int channels, int[] pixels, Workers workers) {
        return switch (epilogue.sums()) {
            case NONE -> null;
            case MOMENTS -> new ChannelStatistics(set, groups, channels, pixels, workers);
            case GRADIENT -> new GradientSums(set, groups, channels, pixels, workers);
        };
    }

    /** Bytes of scratch, 0 of none. */
    static long bytes(ChannelSums sums) {
        return sums == null ? 0 : Raw.align(sums.sliceBytes() * sums.slices) + sums.tableBytes();
    }

    /** Runs a product, and all that its sums need before and after. @param sums null for none @param at their scratch */
    static void run(ChannelSums sums, long at, Runnable product) {
        if (sums == null) {
            product.run();
            return;
        }
        sums.slots = at;
        sums.begin(at + Raw.align(sums.sliceBytes() * sums.slices));
        product.run();
        sums.workers.run(sums.task, sums.groups * sums.parts());
    }

    /** Where all later runs have their operands. */
    abstract void operands(Beside operands);

    /** Scratch besides the slots, in bytes. */
    long tableBytes() {
        return 0;
    }

    /** Prepares a run. @param table scratch */
    void begin(long table) {}

    /** Combines the slots of some channels. @param slot the first slice's of the first vector @param first channel of all groups' @param count how many */
    abstract void merge(long slot, int first, int count);

    /** Tells a kernel where its sums go, of channels of which nothing of the slice has been summed. @param vectors of the kernel */
    void open(ProductFrame f, int slice, int group, int vector, int vectors) {
        f.set(ProductFrame.SUMS, slot(slice, group, vector)).set(ProductFrame.BEGUN, 0);
    }

    final int vectors() {
        return set.vectors(channels);
    }

    final long sliceBytes() {
        return (long) groups * vectors() * slotBytes;
    }

    /** Address of a slot; the next vectors' follow it. */
    final long slot(int slice, int group, int vector) {
        return slots + sliceBytes() * slice + (long) (group * vectors() + vector) * slotBytes;
    }

    private int parts() {
        return Math.ceilDiv(vectors(), VECTORS);
    }

    private void merge(int chunk, int worker) {
        int group = chunk / parts();
        int vector = chunk % parts() * VECTORS;
        int first = vector * set.lanes();
        merge(slot(0, group, vector), group * channels + first, Math.min(VECTORS * set.lanes(), channels - first));
    }
}
