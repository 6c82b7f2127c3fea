package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Beside;
import dev.jacquard.cpu.Raw;
import dev.jacquard.cpu.Workers;

/**
 * Sums per channel of a gradient and of its product with normalised images, which are what batch normalisation's own gradients are made of, from those of slices, whose chunks make
 * them with {@link GradientCode} or {@link GradientRows}. Kernels sum products with images less their mean; what is common to a channel's pixels is multiplied in the end. What
 * they need of each channel is in a {@link GradientTable}.
 */
final class GradientSums extends ChannelSums {
    private final Kernel merge;

    private Beside.Normalised operands;
    private Kernel fill;
    private long table;

    GradientSums(InstructionSet set, int groups, int channels, int[] pixels, Workers workers) {
        super(set, groups, channels, pixels, GradientCode.slotBytes(set), workers);
        if (groups != 1) {
            throw new IllegalArgumentException("gradients are summed of one group of channels, not of " + groups);
        }
        merge = Kernel.of(new GradientMerge(set));
    }

    @Override
    void operands(Beside given) {
        operands = (Beside.Normalised) given;
        fill = Kernel.of(new GradientTable(set, (float) operands.eps(), operands.gamma() != 0));
    }

    /** What was normalised. */
    long images() {
        return operands.images();
    }

    @Override
    long tableBytes() {
        return Raw.align((long) vectors() * GradientTable.bytes(set));
    }

    @Override
    void begin(long at) {
        table = at;
        fill.run(operands.mean(), operands.variance(), operands.gamma(), operands.beta(), at, channels);
    }

    /** Where the table has a vector. */
    long table(int vector) {
        return table + (long) vector * GradientTable.bytes(set);
    }

    @Override
    void open(ProductFrame f, int slice, int group, int vector, int vectors) {
        f.set(ProductFrame.SUMS, slot(slice, group, vector)).set(ProductFrame.NORMALISED, table(vector));
        Raw.zero(slot(slice, group, vector), (long) vectors * GradientCode.slotBytes(set));
    }

    @Override
    void merge(long slot, int first, int count) {
        long ignored = merge.call(slot, slices, sliceBytes(), table(first / set.lanes()), operands.dgamma() + 4L * first, operands.dbeta() + 4L * first, count, 0, 0, 0);
    }
}
