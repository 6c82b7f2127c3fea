package dev.jacquard.cpu.x64;

import java.util.stream.IntStream;

/** Loads and stores of the first lanes of a vector: plain ones if these are all, else masked, which touch no other memory. */
final class LaneMask {
    /** Mask register that holds it with AVX-512. */
    private static final int MASK = 1;

    private final Assembler a;
    private final boolean whole;
    private final Vec register;

    private LaneMask(Assembler a, boolean whole, Vec register) {
        this.a = a;
        this.whole = whole;
        this.register = register;
    }

    /** All lanes. */
    static LaneMask all(Assembler a) {
        return new LaneMask(a, true, null);
    }

    /** Emits what sets up a mask of the first lanes. Overwrites rax; AVX2 takes a register of the pool for good. */
    static LaneMask first(Assembler a, InstructionSet set, int lanes, VectorPool pool) {
        if (lanes == set.lanes()) {
            return all(a);
        }
        if (set == InstructionSet.AVX512) {
            a.mov(Gp.RAX, (1L << lanes) - 1);
            a.kmov(MASK, Gp.RAX, 16);
            return new LaneMask(a, false, null);
        }
        Vec mask = pool.take();
        a.vmovups(mask, Literal.each(IntStream.range(0, set.lanes()).map(i -> i < lanes ? -1 : 0).toArray()));
        return new LaneMask(a, false, mask);
    }

    /** Lanes beyond become zero. */
    void load(Vec to, Mem from) {
        if (whole) {
            a.vmovups(to, from);
        } else if (register == null) {
            a.vmovups(to.zeroed(MASK), from);
        } else {
            a.vmaskmovps(to, register, from);
        }
    }

    /** Memory of lanes beyond stays. */
    void store(Mem to, Vec from) {
        if (whole) {
            a.vmovups(to, from);
        } else if (register == null) {
            a.vmovups(to.masked(MASK), from);
        } else {
            a.vmaskmovps(to, register, from);
        }
    }
}
