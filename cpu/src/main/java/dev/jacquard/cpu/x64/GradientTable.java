package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * The table of {@link GradientSums}: of each vector of channels mean, scale, shift, and one over the deviation. Arguments: mean, variance, gamma, beta, table, channels. Lanes
 * behind the last channel are of no meaning.
 *
 * @param set instruction set
 * @param eps added to the variance
 * @param masks whether there are gamma and beta: without them there are no scale and shift
 */
record GradientTable(InstructionSet set, float eps, boolean masks) implements Kernel.Spec {
    /** Bytes of a vector's entry, and where it has the last of its four vectors. */
    static int bytes(InstructionSet set) {
        return 4 * set.bytes();
    }

    /** Where an entry has one over the deviation. */
    static int inverse(InstructionSet set) {
        return 3 * set.bytes();
    }

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        Lanes lanes = new Lanes(a, set);
        lanes.loop(Gp.R9, 1, masks ? List.of(Gp.RDI, Gp.RSI, Gp.RDX, Gp.RCX) : List.of(Gp.RDI, Gp.RSI), (_, rest) -> vector(a, lanes, rest));
        a.leave(0);
    }

    private void vector(Assembler a, Lanes lanes, boolean rest) {
        Vec inverse = set.vec(0);
        Vec other = set.vec(1);
        lanes.load(other, Mem.at(Gp.RDI), rest);
        a.vmovups(Mem.at(Gp.R8), other);
        lanes.load(other, Mem.at(Gp.RSI), rest);
        a.vaddps(other, other, Literal.of(eps));
        a.vsqrtps(other, other);
        a.constant(inverse, 1);
        a.vdivps(inverse, inverse, other);
        a.vmovups(Mem.at(Gp.R8, inverse(set)), inverse);
        if (masks) {
            lanes.load(other, Mem.at(Gp.RDX), rest);
            a.vmulps(other, other, inverse);
            a.vmovups(Mem.at(Gp.R8, set.bytes()), other);
            lanes.load(other, Mem.at(Gp.RCX), rest);
            a.vmovups(Mem.at(Gp.R8, 2 * set.bytes()), other);
        }
        a.add(Gp.R8, bytes(set));
    }
}
