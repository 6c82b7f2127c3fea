package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Instruction;

/** An instruction made ready: what it does to a warp's lanes. Fields are set by {@link Decoder}. */
abstract class Insn {
    private static final Access[] NONE = {};
    private static final int[] NO_REGISTERS = {};

    /** What it was made of, for messages. */
    Instruction source;
    /** Predicate's index, or -1. */
    int guard = -1;
    boolean negated;
    /** Its class, for counting. */
    LaunchStats.Kind kind;

    /** Registers of at most 32 bits that it reads and writes; known in kernels with {@link GroupProduct}s only. */
    int[] sources = NO_REGISTERS;
    int[] targets = NO_REGISTERS;

    /** Does it for some lanes, at least one. @throws Fault if a lane misbehaves */
    abstract void run(Warp w, int mask);

    /** Its accesses to memory, to be counted. */
    Access[] accesses() {
        return NONE;
    }

    /** The lanes of a mask that the guard lets through. */
    final int guarded(Warp w, int mask) {
        return guard < 0 ? mask : mask & (negated ? ~w.p[guard] : w.p[guard]);
    }
}
