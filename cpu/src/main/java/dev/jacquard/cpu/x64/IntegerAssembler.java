package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.EngineBugException;

/** Instructions on general registers, prefetches, and those on mask registers that read a general one. 64 bits wide unless they say otherwise. */
abstract class IntegerAssembler extends VectorAssembler {
    void push(Gp r) {
        if (r.high() == 1) {
            put(0x41);
        }
        put(0x50 | r.low());
    }

    void pop(Gp r) {
        if (r.high() == 1) {
            put(0x41);
        }
        put(0x58 | r.low());
    }

    void ret() {
        put(0xc3);
    }

    void mov(Gp to, Gp from) {
        legacy(0x89, from.ordinal(), to);
    }

    void mov(Gp to, Mem from) {
        legacy(0x8b, to.ordinal(), from);
    }

    void mov(Mem to, Gp from) {
        legacy(0x89, from.ordinal(), to);
    }

    /** Loads 32 bits, the upper half becomes zero. */
    void mov32(Gp to, Mem from) {
        legacy32(0x8b, to.ordinal(), from);
    }

    /** Stores the lower 32 bits. */
    void mov32(Mem to, Gp from) {
        legacy32(0x89, from.ordinal(), to);
    }

    /** Loads 32 bits and extends the sign. */
    void movsxd(Gp to, Mem from) {
        legacy(0x63, to.ordinal(), from);
    }

    /** Loads a byte, the rest becomes zero. */
    void movzxByte(Gp to, Mem from) {
        legacy(0x0fb6, to.ordinal(), from);
    }

    /** Loads 16 bits, the rest becomes zero. */
    void movzxWord(Gp to, Mem from) {
        legacy(0x0fb7, to.ordinal(), from);
    }

    /** Stores the lower 16 bits. */
    void mov16(Mem to, Gp from) {
        put(0x66);
        legacy32(0x89, from.ordinal(), to);
    }

    /** Stores the lowest byte of one of the first four registers, whose names need no prefix. */
    void mov8(Mem to, Gp from) {
        if (from.ordinal() > 3) {
            throw new EngineBugException("assembler", "byte of this register", from.toString(), "rax, rcx, rdx or rbx", "report this");
        }
        legacy32(0x88, from.ordinal(), to);
    }

    /** A constant, in the fewest bytes. */
    void mov(Gp to, long value) {
        if (value >= 0 && value <= 0xffffffffL) {
            if (to.high() == 1) {
                put(0x41);
            }
            put(0xb8 | to.low());
            put32((int) value);
        } else if (value == (int) value) {
            legacy(0xc7, 0, to);
            put32((int) value);
        } else {
            put(0x48 | to.high());
            put(0xb8 | to.low());
            put64(value);
        }
    }

    void lea(Gp to, Mem address) {
        legacy(0x8d, to.ordinal(), address);
    }

    void add(Gp to, Gp from) {
        legacy(0x01, from.ordinal(), to);
    }

    void add(Gp to, Mem from) {
        legacy(0x03, to.ordinal(), from);
    }

    void add(Gp to, int value) {
        immediate(0, to, value);
    }

    void sub(Gp to, Gp from) {
        legacy(0x29, from.ordinal(), to);
    }

    void sub(Gp to, int value) {
        immediate(5, to, value);
    }

    void and(Gp to, int value) {
        immediate(4, to, value);
    }

    void cmp(Gp a, Gp b) {
        legacy(0x39, b.ordinal(), a);
    }

    void cmp(Gp a, Mem b) {
        legacy(0x3b, a.ordinal(), b);
    }

    void cmp(Gp a, int value) {
        immediate(7, a, value);
    }

    private void immediate(int operation, Gp to, int value) {
        if (value >= -128 && value <= 127) {
            legacy(0x83, operation, to);
            put(value);
        } else if (to == Gp.RAX) {
            put(0x48);
            put(operation << 3 | 5);
            put32(value);
        } else {
            legacy(0x81, operation, to);
            put32(value);
        }
    }

    void imul(Gp to, Gp from, int value) {
        boolean small = value >= -128 && value <= 127;
        legacy(small ? 0x6b : 0x69, to.ordinal(), from);
        if (small) {
            put(value);
        } else {
            put32(value);
        }
    }

    void shl(Gp r, int bits) {
        legacy(0xc1, 4, r);
        put(bits);
    }

    void shr(Gp r, int bits) {
        legacy(0xc1, 5, r);
        put(bits);
    }

    /** A move that happens if a condition holds. */
    void cmov(Condition c, Gp to, Gp from) {
        legacy(0x0f40 | c.code, to.ordinal(), from);
    }

    void test(Gp a, Gp b) {
        legacy(0x85, b.ordinal(), a);
    }

    void xor(Gp to, Gp from) {
        legacy(0x31, from.ordinal(), to);
    }

    void inc(Gp r) {
        legacy(0xff, 0, r);
    }

    void dec(Gp r) {
        legacy(0xff, 1, r);
    }

    /** Into the first-level cache. */
    void prefetcht0(Mem m) {
        legacy32(0x0f18, 1, m);
    }

    /** Into the second-level cache. */
    void prefetcht1(Mem m) {
        legacy32(0x0f18, 2, m);
    }

    /** Announces a write. */
    void prefetchw(Mem m) {
        legacy32(0x0f0d, 1, m);
    }

    void sfence() {
        put(0x0f);
        put(0xae);
        put(0xf8);
    }

    void cpuid() {
        put(0x0f);
        put(0xa2);
    }

    void xgetbv() {
        put(0x0f);
        put(0x01);
        put(0xd0);
    }

    /** A mask register from the lower bits of a general one: 16 of them, or with {@code bits} 32 or 64 more. */
    void kmov(int k, Gp from, int bits) {
        int b = 1 - from.high();
        boolean w = bits == 64;
        if (w || b == 0) {
            put(0xc4);
            put(0xc0 | b << 5 | 1);
            put((w ? 0x80 : 0) | 0x78 | (bits == 16 ? NP : PF2));
        } else {
            put(0xc5);
            put(0xf8 | (bits == 16 ? NP : PF2));
        }
        put(0x92);
        put(0xc0 | k << 3 | from.low());
    }
}
