package dev.jacquard.cpu.x64;

/** A 64-bit general register, in the order of its number. System V: arguments come in rdi, rsi, rdx, rcx, r8, r9; rbx, rbp and r12 to r15 belong to the caller. */
enum Gp {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15;

    /** The three bits that go into an instruction's bytes. */
    int low() {
        return ordinal() & 7;
    }

    /** The fourth bit, which goes into a prefix. */
    int high() {
        return ordinal() >> 3;
    }
}
