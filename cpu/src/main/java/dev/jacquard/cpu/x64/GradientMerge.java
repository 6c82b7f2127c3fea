package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Sums over slices of {@link GradientSums}, with what each addition lost (Kahan 1965). Arguments: the first slice's slot of the first vector, number of slices, bytes from slice to
 * slice, the first vector's entry of the table, dgamma, dbeta, channels.
 */
record GradientMerge(InstructionSet set) implements Kernel.Spec {
    private static final Gp SLOTS = Gp.RDI;
    private static final Gp SLICES = Gp.RSI;
    private static final Gp SLICE_BYTES = Gp.RDX;
    private static final Gp TABLE = Gp.RCX;
    private static final Gp DGAMMA = Gp.R8;
    private static final Gp DBETA = Gp.R9;
    private static final Gp CHANNELS = Gp.R10;
    private static final Gp SLOT = Gp.RAX;
    private static final Gp LEFT = Gp.RBX;

    @Override
    public void emit(Assembler a) {
        a.enter(0);
        a.mov(CHANNELS, Mem.at(Gp.RSP, Assembler.argument(6, 0)));
        Lanes lanes = new Lanes(a, set);
        lanes.loop(CHANNELS, 1, List.of(DGAMMA, DBETA), (_, rest) -> vector(a, lanes, rest));
        a.leave(0);
    }

    /** Of a sum: what it is, what is missing of it. */
    private Vec of(int sum, int which) {
        return set.vec(2 + 2 * sum + which);
    }

    private void vector(Assembler a, Lanes lanes, boolean rest) {
        Vec each = set.vec(0);
        Vec next = set.vec(1);
        for (int i = 0; i < 4; i++) {
            a.vxorps(of(i / 2, i % 2), of(i / 2, i % 2), of(i / 2, i % 2));
        }
        a.mov(SLOT, SLOTS);
        a.mov(LEFT, SLICES);
        a.align(32);
        Label slice = a.here();
        for (int i = 0; i < 2; i++) {
            a.vmovups(each, Mem.at(SLOT, i * set.bytes()));
            a.vsubps(each, each, of(i, 1));
            a.vaddps(next, of(i, 0), each);
            a.vsubps(of(i, 1), next, of(i, 0));
            a.vsubps(of(i, 1), of(i, 1), each);
            a.vmovups(of(i, 0), next);
        }
        a.add(SLOT, SLICE_BYTES);
        a.dec(LEFT);
        a.j(Condition.NE, slice);
        lanes.store(Mem.at(DBETA), of(0, 0), rest);
        a.vmulps(each, of(1, 0), Mem.at(TABLE, GradientTable.inverse(set)));
        lanes.store(Mem.at(DGAMMA), each, rest);
        a.add(SLOTS, GradientCode.slotBytes(set));
        a.add(TABLE, GradientTable.bytes(set));
    }
}
