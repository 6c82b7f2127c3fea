package dev.jacquard.cpu.x64;

import java.util.function.IntFunction;

/**
 * Emits what adds results, while they are in registers, to the statistics of their channels: to sums of distances from a center and of their squares. The center is one of the
 * first results that a channel sees, from the middle of the first tile, since results at an image's border are smaller: so nothing cancels where a mean is large beside the
 * deviation. A slot of {@link ChannelStatistics} has center, sum and sum of squares of a vector of channels.
 *
 * @param a where to
 * @param set instruction set
 * @param free at least four registers
 */
record StatisticsCode(Assembler a, InstructionSet set, IntFunction<Vec> free) {
    /** Results in registers. */
    @FunctionalInterface
    interface Results {
        /** Of a pixel, and a vector of channels. */
        Vec at(int pixel, int vector);
    }

    /** Size of a slot. */
    static int slotBytes(InstructionSet set) {
        return 3 * set.bytes();
    }

    /**
     * Adds pixels.
     *
     * @param slots slot of the first vector
     * @param begun where a long is zero before these channels' first results; overwrites rcx
     * @param marks whether it becomes one here
     */
    void add(int pixels, int vectors, Results results, Gp slots, Mem begun, boolean marks) {
        Label known = new Label();
        a.mov(Gp.RCX, begun);
        a.test(Gp.RCX, Gp.RCX);
        a.j(Condition.NE, known);
        first(pixels, vectors, results, slots);
        if (marks) {
            a.inc(Gp.RCX);
            a.mov(begun, Gp.RCX);
        }
        a.bind(known);
        sum(pixels, vectors, results, slots);
    }

    /** The pixel in the middle becomes the center. */
    private void first(int pixels, int vectors, Results results, Gp slots) {
        Vec zero = free.apply(0);
        a.vxorps(zero, zero, zero);
        for (int v = 0; v < vectors; v++) {
            Mem slot = Mem.at(slots, v * slotBytes(set));
            a.vmovups(slot, results.at(pixels / 2, v));
            a.vmovups(slot.plus(set.bytes()), zero);
            a.vmovups(slot.plus(2 * set.bytes()), zero);
        }
    }

    /** The pixels' own sums first: a sum of a few thousand terms one after the other would lose more than a digit. */
    private void sum(int pixels, int vectors, Results results, Gp slots) {
        Vec center = free.apply(0);
        Vec sum = free.apply(1);
        Vec squares = free.apply(2);
        Vec distance = free.apply(3);
        for (int v = 0; v < vectors; v++) {
            Mem slot = Mem.at(slots, v * slotBytes(set));
            a.vmovups(center, slot);
            a.vsubps(sum, results.at(0, v), center);
            a.vmulps(squares, sum, sum);
            for (int i = 1; i < pixels; i++) {
                a.vsubps(distance, results.at(i, v), center);
                a.vaddps(sum, sum, distance);
                a.vfmadd231ps(squares, distance, distance);
            }
            add(sum, slot.plus(set.bytes()));
            add(squares, slot.plus(2 * set.bytes()));
        }
    }

    private void add(Vec sum, Mem to) {
        a.vaddps(sum, sum, to);
        a.vmovups(to, sum);
    }
}
