package dev.jacquard.cpu.x64;

import java.util.stream.IntStream;

/**
 * Loads and stores of the first lanes of a vector, a number that is known when code is emitted: plain ones if these are all, else masked, which touch no other memory.
 * {@link Lanes} is for numbers that are known when it runs. The mask is in k1 with AVX-512, in a vector register with AVX2.
 */
final class LaneMask {
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

    /** Emits what sets up a mask of the first lanes. Overwrites rax with AVX-512. @param register where AVX2 has it */
    static LaneMask first(Assembler a, InstructionSet set, int lanes, Vec register) {
        prepare(a, set, lanes);
        return prepared(a, set, lanes, register);
    }

    /** The same with a register of a pool, which AVX2 takes for good. */
    static LaneMask first(Assembler a, InstructionSet set, int lanes, VectorPool pool) {
        return first(a, set, lanes, set == InstructionSet.AVX512 || lanes == set.lanes() ? null : pool.take());
    }

    /** The first half of {@link #first}, once per function: AVX-512's mask register. AVX2 has no register to spare for as long. */
    static void prepare(Assembler a, InstructionSet set, int lanes) {
        if (set == InstructionSet.AVX512 && lanes < set.lanes()) {
            a.mov(Gp.RAX, (1L << lanes) - 1);
            a.kmov(MASK, Gp.RAX, 16);
        }
    }

    /** The second half, where the mask is needed: AVX2's register. */
    static LaneMask prepared(Assembler a, InstructionSet set, int lanes, Vec register) {
        if (lanes == set.lanes()) {
            return all(a);
        }
        if (set == InstructionSet.AVX512) {
            return new LaneMask(a, false, null);
        }
        a.vmovups(register, words(set, lanes));
        return new LaneMask(a, false, register);
    }

    /** AVX2's mask of the first lanes. */
    static Literal words(InstructionSet set, int lanes) {
        return Literal.each(IntStream.range(0, set.lanes()).map(i -> i < lanes ? -1 : 0).toArray());
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
