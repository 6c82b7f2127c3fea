package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Statistics of some channels of pixels that were just stored, where a kernel has no registers for them while it computes. Arguments: first pixel's first channel, slot of the
 * first vector, number of pixels, at least 1, bytes from the first pixel to the one that is their center.
 *
 * @param set instruction set
 * @param channels how many
 * @param pixelBytes from a pixel to the next
 */
record StatisticsRows(InstructionSet set, int channels, int pixelBytes) implements Kernel.Spec {
    private static final Gp X = Gp.RDI;
    private static final Gp SLOT = Gp.RSI;
    private static final Gp PIXELS = Gp.RDX;
    private static final Gp CENTER = Gp.RCX;
    private static final Gp AT = Gp.RAX;
    private static final Gp LEFT = Gp.R8;
    private static final int AT_ONCE = 4;

    @Override
    public void emit(Assembler a) {
        a.add(CENTER, X);
        int whole = channels / set.lanes();
        int tail = channels % set.lanes();
        for (int v = 0; v < whole; v += AT_ONCE) {
            vectors(a, v, Math.min(AT_ONCE, whole - v), LaneMask.all(a));
        }
        if (tail > 0) {
            vectors(a, whole, 1, LaneMask.first(a, set, tail, set.vec(3 + 3 * AT_ONCE)));
        }
        a.vzeroupper();
        a.ret();
    }

    private Vec of(int which, int v) {
        return set.vec(2 + which * AT_ONCE + v);
    }

    private void vectors(Assembler a, int first, int count, LaneMask mask) {
        Vec x = set.vec(0);
        int slot = first * StatisticsCode.slotBytes(set);
        for (int v = 0; v < count; v++) {
            mask.load(of(0, v), Mem.at(CENTER, (first + v) * set.bytes()));
            a.vxorps(of(1, v), of(1, v), of(1, v));
            a.vxorps(of(2, v), of(2, v), of(2, v));
        }
        a.mov(AT, X);
        a.mov(LEFT, PIXELS);
        a.align(32);
        Label next = a.here();
        for (int v = 0; v < count; v++) {
            mask.load(x, Mem.at(AT, (first + v) * set.bytes()));
            a.vsubps(x, x, of(0, v));
            a.vaddps(of(1, v), of(1, v), x);
            a.vfmadd231ps(of(2, v), x, x);
        }
        a.add(AT, pixelBytes);
        a.dec(LEFT);
        a.j(Condition.NE, next);
        for (int v = 0; v < count; v++) {
            for (int which : List.of(0, 1, 2)) {
                a.vmovups(Mem.at(SLOT, slot + v * StatisticsCode.slotBytes(set) + which * set.bytes()), of(which, v));
            }
        }
    }
}
