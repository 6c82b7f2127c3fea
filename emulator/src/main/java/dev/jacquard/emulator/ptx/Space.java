package dev.jacquard.emulator.ptx;

/** A state space: where a variable lives, or an instruction accesses. */
public enum Space {
    /** By address window. */
    GENERIC,
    /** Device memory. */
    GLOBAL,
    /** Device memory that kernels only read. */
    CONST,
    /** A block's memory. */
    SHARED,
    /** A thread's memory. */
    LOCAL,
    /** Parameters: a kernel's, or a call's. */
    PARAM
}
