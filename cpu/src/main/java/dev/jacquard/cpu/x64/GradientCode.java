package dev.jacquard.cpu.x64;

import java.util.function.IntFunction;

/**
 * Emits what adds a tile's gradients, while they are in registers, to the sums of their channels ({@link GradientSums}): a slot has the sum of a vector of channels, then that of
 * its products with images less their mean. If images say where the gradient goes on, it becomes zero where {@code (x - mean) * scale + shift} is not positive.
 *
 * @param a where to
 * @param set instruction set
 * @param masks whether images say where the gradient goes on
 * @param free at least four registers; with seven, what is common to a channel's pixels is loaded once
 */
record GradientCode(Assembler a, InstructionSet set, boolean masks, IntFunction<Vec> free) {
    /** Emits the load of a pixel's vector of images; lanes behind the last channel become zero. */
    @FunctionalInterface
    interface Images {
        /** @param temporary a register that may be overwritten */
        void load(Vec to, int pixel, int vector, Vec temporary);
    }

    /** Size of a slot. */
    static int slotBytes(InstructionSet set) {
        return 2 * set.bytes();
    }

    /** Adds pixels, one of each vector after the other's: a tile's own sums first, as {@link StatisticsCode} does. @param gradients are masked in place */
    void add(int pixels, int vectors, StatisticsCode.Results gradients, Images images, Gp slots, Gp table) {
        for (int v = 0; v < vectors; v++) {
            vector(pixels, v, gradients, images, table);
            Mem slot = Mem.at(slots, v * slotBytes(set));
            for (int which = 0; which < 2; which++) {
                Vec sum = free.apply(2 + which);
                a.vaddps(sum, sum, slot.plus(which * set.bytes()));
                a.vmovups(slot.plus(which * set.bytes()), sum);
            }
        }
    }

    private void vector(int pixels, int v, StatisticsCode.Results gradients, Images images, Gp table) {
        Vec x = free.apply(0);
        Vec other = free.apply(1);
        Vec sum = free.apply(2);
        Vec dot = free.apply(3);
        Operand mean = common(table, v, 0);
        Operand scale = masks ? common(table, v, 1) : null;
        Operand shift = masks ? common(table, v, 2) : null;
        for (int i = 0; i < pixels; i++) {
            Vec g = gradients.at(i, v);
            images.load(x, i, v, other);
            a.vsubps(x, x, mean);
            if (masks) {
                a.vmovups(other, shift);
                a.vfmadd231ps(other, x, scale);
                new Activations(a, set, other).reluBackward(g, other);
            }
            if (i == 0) {
                a.vmovups(sum, g);
                a.vmulps(dot, g, x);
            } else {
                a.vaddps(sum, sum, g);
                a.vfmadd231ps(dot, g, x);
            }
        }
    }

    /** Mean, scale or shift of a vector: in a register if there is one. */
    private Operand common(Gp table, int v, int which) {
        Mem at = Mem.at(table, v * GradientTable.bytes(set) + which * set.bytes());
        if (set != InstructionSet.AVX512) {
            return at;
        }
        Vec register = free.apply(4 + which);
        a.vmovups(register, at);
        return register;
    }
}
