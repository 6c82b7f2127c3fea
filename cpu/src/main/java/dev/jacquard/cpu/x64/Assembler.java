package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.EngineBugException;

/**
 * Writes x86-64 machine code, instruction by instruction, in Intel's names and order of operands. Only what kernels here need; each instruction has a row in AssemblerTest, whose bytes are those of the GNU
 * assembler. Vector instructions are methods of {@link VectorAssembler}, which this completes by integer instructions, jumps and the frame of a function.
 */
final class Assembler extends VectorAssembler {
    private static final Gp[] SAVED = {Gp.RBX, Gp.RBP, Gp.R12, Gp.R13, Gp.R14, Gp.R15};

    /** Conditions of jumps, by number; {@code B}, {@code A} and their like are of unsigned comparisons. */
    enum Condition {
        B(2), AE(3), E(4), NE(5), BE(6), A(7), L(12), GE(13), LE(14), G(15);

        private final int code;

        Condition(int code) {
            this.code = code;
        }
    }

    /** Saves the registers that belong to the caller and reserves memory of the stack, at rsp. @param bytes a multiple of 16 */
    void enter(int bytes) {
        for (Gp r : SAVED) {
            push(r);
        }
        // Six pushes and the return address are 56 bytes: 8 more, and the stack is aligned to 16 again.
        sub(Gp.RSP, bytes + 8);
    }

    /** Undoes {@link #enter} and returns. */
    void leave(int bytes) {
        add(Gp.RSP, bytes + 8);
        for (int i = SAVED.length - 1; i >= 0; i--) {
            pop(SAVED[i]);
        }
        vzeroupper();
        ret();
    }

    /** Offset from rsp, after {@link #enter}, of argument {@code i >= 6} of the function. */
    static int argument(int i, int bytes) {
        return bytes + 8 + 6 * 8 + 8 + 8 * (i - 6);
    }

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

    void sub(Gp to, Mem from) {
        legacy(0x2b, to.ordinal(), from);
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

    void imul(Gp to, Gp from) {
        legacy(0x0faf, to.ordinal(), from);
    }

    void imul(Gp to, Mem from) {
        legacy(0x0faf, to.ordinal(), from);
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

    void prefetchnta(Mem m) {
        legacy32(0x0f18, 0, m);
    }

    /** Announces a write. */
    void prefetchw(Mem m) {
        legacy32(0x0f0d, 1, m);
    }

    /** Copies rcx times 4 bytes from rsi to rdi, which move on. */
    void repMovsd() {
        put(0xf3);
        put(0xa5);
    }

    /** Stores eax rcx times to rdi, which moves on. */
    void repStosd() {
        put(0xf3);
        put(0xab);
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

    /** A general register from 16 bits of a mask. */
    void kmov(Gp to, int k) {
        put(0xc5);
        put((1 - to.high()) << 7 | 0x78);
        put(0x93);
        put(0xc0 | to.low() << 3 | k);
    }

    /** A new label here. */
    Label here() {
        Label l = new Label();
        bind(l);
        return l;
    }

    /** Puts a label here and completes the jumps to it. */
    void bind(Label l) {
        if (l.at >= 0) {
            throw new EngineBugException("assembler", "label bound twice", "at " + l.at, "once", "report this");
        }
        l.at = size();
        l.jumps.forEach(at -> patch32(at, l.at - at - 4));
    }

    void jmp(Label to) {
        jump(to, 0xeb, 0xe9);
    }

    void j(Condition c, Label to) {
        jump(to, 0x70 | c.code, 0x0f80 | c.code);
    }

    /** Back: in two bytes if near. Forward: in the long form, since it is not known how far. */
    private void jump(Label to, int near, int far) {
        int distance = to.at - size() - 2;
        if (to.at >= 0 && distance >= -128) {
            put(near);
            put(distance);
            return;
        }
        if (far > 0xff) {
            put(far >> 8);
        }
        put(far);
        int at = size();
        put32(to.at - at - 4);
        if (to.at < 0) {
            to.jumps.add(at);
        }
    }

    /** Fills up to a multiple of some bytes, a power of two, with instructions that do nothing. */
    void align(int to) {
        while (size() % to != 0) {
            int n = Math.min(9, to - size() % to);
            for (byte b : NOPS[n - 1]) {
                put(b);
            }
        }
    }

    private static final byte[][] NOPS = {
            {(byte) 0x90},
            {0x66, (byte) 0x90},
            {0x0f, 0x1f, 0x00},
            {0x0f, 0x1f, 0x40, 0x00},
            {0x0f, 0x1f, 0x44, 0x00, 0x00},
            {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
            {0x0f, 0x1f, (byte) 0x80, 0x00, 0x00, 0x00, 0x00},
            {0x0f, 0x1f, (byte) 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
            {0x66, 0x0f, 0x1f, (byte) 0x84, 0x00, 0x00, 0x00, 0x00, 0x00}};
}
