package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Mean and biased variance of channels from those of slices, as Chan, Golub and LeVeque (1979) combine them. Means are summed as distances from the first slice's center, and
 * squares are of distances from the mean, so that nothing is as large as what cancels. Arguments: the first slice's slot of the first vector, number of slices, bytes from slice to
 * slice, the table of counts, mean, variance, channels.
 *
 * <p>The table: one over all pixels, an empty float, then the pixels of each slice and one over them.
 */
record StatisticsMerge(InstructionSet set) implements Kernel.Spec {
    /** Where the table has its first slice. */
    static final int COUNTS = 8;

    private static final Gp SLOTS = Gp.RDI;
    private static final Gp SLICES = Gp.RSI;
    private static final Gp SLICE_BYTES = Gp.RDX;
    private static final Gp TABLE = Gp.RCX;
    private static final Gp MEAN = Gp.R8;
    private static final Gp VARIANCE = Gp.R9;
    private static final Gp CHANNELS = Gp.R10;
    private static final Gp SLOT = Gp.RAX;
    private static final Gp LEFT = Gp.RBX;
    private static final Gp COUNT = Gp.R11;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(CHANNELS, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        Lanes lanes = new Lanes(a, set);
        lanes.loop(CHANNELS, 1, List.of(MEAN, VARIANCE), (_, rest) -> vector(a, lanes, rest));
        a.leave(0);
    }

    private void vector(Assembler a, Lanes lanes, boolean rest) {
        Vec first = set.vec(0);
        Vec sum = set.vec(1);
        Vec squares = set.vec(2);
        Vec each = set.vec(3);
        Vec distance = set.vec(4);
        Vec pixels = set.vec(5);
        Vec part = set.vec(6);
        Vec correction = set.vec(7);
        a.vmovups(first, Mem.at(SLOTS));
        a.vxorps(sum, sum, sum);
        a.vxorps(squares, squares, squares);
        slices(a, () -> {
            distance(a, each, distance, correction, first);
            a.vbroadcastss(pixels, Mem.at(COUNT));
            a.vfmadd231ps(sum, distance, pixels);
        });
        a.vbroadcastss(each, Mem.at(TABLE));
        a.vmulps(sum, sum, each);
        slices(a, () -> {
            distance(a, each, distance, correction, first);
            a.vmovups(part, Mem.at(SLOT, 2 * set.bytes()));
            a.vfnmadd231ps(part, correction, each);
            a.vsubps(distance, distance, sum);
            a.vmulps(distance, distance, distance);
            a.vbroadcastss(pixels, Mem.at(COUNT));
            a.vfmadd231ps(part, distance, pixels);
            a.vaddps(squares, squares, part);
        });
        a.vaddps(sum, sum, first);
        lanes.store(Mem.at(MEAN), sum, rest);
        a.vbroadcastss(each, Mem.at(TABLE));
        a.vmulps(squares, squares, each);
        // Rounding could leave less than nothing of a constant. NaN stays: it is the second operand.
        a.vxorps(part, part, part);
        a.vmaxps(squares, part, squares);
        lanes.store(Mem.at(VARIANCE), squares, rest);
        a.add(SLOTS, StatisticsCode.slotBytes(set));
    }

    /** A slice's mean less the first center; correction is its mean less its own center, rest the sum that this comes from. */
    private void distance(Assembler a, Vec rest, Vec distance, Vec correction, Vec first) {
        a.vmovups(rest, Mem.at(SLOT, set.bytes()));
        a.vbroadcastss(correction, Mem.at(COUNT, 4));
        a.vmulps(correction, correction, rest);
        a.vmovups(distance, Mem.at(SLOT));
        a.vsubps(distance, distance, first);
        a.vaddps(distance, distance, correction);
    }

    private void slices(Assembler a, Runnable body) {
        a.mov(SLOT, SLOTS);
        a.mov(LEFT, SLICES);
        a.lea(COUNT, Mem.at(TABLE, COUNTS));
        a.align(32);
        Label next = a.here();
        body.run();
        a.add(SLOT, SLICE_BYTES);
        a.add(COUNT, 8);
        a.dec(LEFT);
        a.j(Condition.NE, next);
    }
}
