package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.EngineBugException;

/**
 * Writes x86-64 machine code, instruction by instruction, in Intel's names and order of operands. Only what kernels here need: the instructions, methods of {@link VectorAssembler}
 * and {@link IntegerAssembler}, have a row each in AssemblerTest, whose bytes are those of the GNU assembler. What is here are the parts of a function that are more than one:
 * labels and jumps to them, the frame, constants, alignment.
 */
final class Assembler extends IntegerAssembler {
    private static final Gp[] SAVED = {Gp.RBX, Gp.RBP, Gp.R12, Gp.R13, Gp.R14, Gp.R15};

    /** Instructions of one to nine bytes that do nothing. */
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

    /** One number in all elements. */
    void constant(Vec to, float value) {
        vbroadcastss(to, Literal.of(value));
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
}
