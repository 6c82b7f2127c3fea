package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.EngineBugException;
import java.util.Arrays;
import java.util.Collections;

/**
 * Puts instructions into bytes: legacy, VEX and EVEX prefixes, ModRM, SIB, displacements (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2).
 * {@link Assembler} gives the instructions their names. A vector instruction is in VEX where that can say it (fewer bytes, and all that AVX2 has), in EVEX otherwise.
 */
abstract class Encoder {
    /** Prefix that tells instructions of one opcode apart. */
    static final int NP = 0;
    static final int P66 = 1;
    static final int PF3 = 2;
    static final int PF2 = 3;

    /** What memory a vector instruction touches, which is the unit of EVEX's one-byte displacements. */
    enum Tuple {
        /** A whole vector, or one of its elements for all. */
        FULL,
        /** A half, a quarter of it. */
        HALF, QUARTER,
        /** One element of 4 bytes, or 32 bytes. */
        SCALAR, TWO_LANES;

        int bytes(int vector, boolean broadcast) {
            return switch (this) {
                case FULL -> broadcast ? 4 : vector;
                case HALF -> vector / 2;
                case QUARTER -> vector / 4;
                case SCALAR -> 4;
                case TWO_LANES -> 32;
            };
        }
    }

    /**
     * A vector instruction.
     *
     * @param prefix {@link #NP}, {@link #P66}, {@link #PF3} or {@link #PF2}
     * @param map 1 for 0F, 2 for 0F38, 3 for 0F3A
     * @param opcode last byte before ModRM
     * @param w the W bit in VEX; in EVEX, {@code evexW}
     * @param vex whether there is a form in VEX
     */
    record Code(int prefix, int map, int opcode, int w, int evexW, Tuple tuple, boolean vex) {
        static Code of(int prefix, int map, int opcode) {
            return new Code(prefix, map, opcode, 0, 0, Tuple.FULL, true);
        }

        Code tuple(Tuple t) {
            return new Code(prefix, map, opcode, w, evexW, t, vex);
        }

        /** With W set in both encodings. */
        Code wide() {
            return new Code(prefix, map, opcode, 1, 1, tuple, vex);
        }

        /** With W set in EVEX. */
        Code evexWide() {
            return new Code(prefix, map, opcode, w, 1, tuple, vex);
        }

        /** Whether a byte follows the operands: all of map 3, comparisons, shuffles and shifts. */
        boolean immediate() {
            return map == 3 || map == 1 && (opcode == 0xc2 || opcode == 0xc6 || opcode == 0x72);
        }

        Code evexOnly() {
            return new Code(prefix, map, opcode, w, evexW, tuple, false);
        }
    }

    private final LiteralPool literals = new LiteralPool();
    private byte[] bytes = new byte[4096];
    private int size;

    /** Bytes so far. */
    int size() {
        return size;
    }

    /** The code, and behind it its literals. */
    byte[] bytes() {
        return literals.bytes(bytes, size);
    }

    void put(int b) {
        if (size == bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * size);
        }
        bytes[size++] = (byte) b;
    }

    void put32(int v) {
        for (int i = 0; i < 32; i += 8) {
            put(v >> i);
        }
    }

    void put64(long v) {
        put32((int) v);
        put32((int) (v >> 32));
    }

    /** Overwrites four bytes. */
    void patch32(int at, int v) {
        for (int i = 0; i < 4; i++) {
            bytes[at + i] = (byte) (v >> 8 * i);
        }
    }

    /** A legacy instruction on 64-bit registers; {@code reg} is a register's number or a part of the opcode. */
    void legacy(int opcode, int reg, Gp rm) {
        rex(1, reg, 0, rm.ordinal());
        opcode(opcode);
        put(0xc0 | (reg & 7) << 3 | rm.low());
    }

    /** The same with memory. */
    void legacy(int opcode, int reg, Mem m) {
        rex(1, reg, m.index() == null ? 0 : m.index().ordinal(), m.base().ordinal());
        opcode(opcode);
        memory(reg, m, 1);
    }

    /** The same without REX's W: 32-bit operands, or prefetches. */
    void legacy32(int opcode, int reg, Mem m) {
        int x = m.index() == null ? 0 : m.index().ordinal();
        if (reg > 7 || x > 7 || m.base().ordinal() > 7) {
            rex(0, reg, x, m.base().ordinal());
        }
        opcode(opcode);
        memory(reg, m, 1);
    }

    private void rex(int w, int reg, int x, int b) {
        put(0x40 | w << 3 | reg >> 3 << 2 | x >> 3 << 1 | b >> 3);
    }

    private void opcode(int opcode) {
        if (opcode > 0xff) {
            put(opcode >> 8);
        }
        put(opcode);
    }

    /** ModRM, SIB and displacement. @param unit of a one-byte displacement */
    private void memory(int reg, Mem m, int unit) {
        int r = (reg & 7) << 3;
        int d = m.displacement();
        boolean shortForm = d % unit == 0 && d / unit >= -128 && d / unit <= 127;
        // A base of rbp or r13 without displacement means something else, as does a base of rsp or r12 without SIB.
        int mod = d == 0 && m.base().low() != 5 ? 0 : shortForm ? 0x40 : 0x80;
        if (m.index() != null || m.base().low() == 4) {
            put(mod | r | 4);
            int index = m.index() == null ? 4 : m.index().low();
            put(Integer.numberOfTrailingZeros(m.scale()) << 6 | index << 3 | m.base().low());
        } else {
            put(mod | r | m.base().low());
        }
        if (mod == 0x40) {
            put(d / unit);
        } else if (mod == 0x80) {
            put32(d);
        }
    }

    /** A vector instruction: {@code reg} and {@code second} are numbers of vector registers, mask registers, or parts of the opcode; {@code width} is the vectors' in bits. */
    void vector(Code c, int reg, int second, Operand rm, int width, int mask, boolean zeroing) {
        boolean high = reg > 15 || second > 15 || rm instanceof Vec v && v.number() > 15;
        boolean special = width == 512 || mask != 0 || rm instanceof Mem m && m.broadcast();
        boolean vex = c.vex && !high && !special;
        if (vex) {
            vex(c, reg, second, rm, width);
        } else {
            evex(c, reg, second, rm, length(width), mask, zeroing, false);
        }
        put(c.opcode);
        switch (rm) {
            case Vec v -> put(0xc0 | (reg & 7) << 3 | v.number() & 7);
            case Mem m -> memory(reg, m, vex ? 1 : c.tuple.bytes(width / 8, m.broadcast()));
            case Literal l -> literal(c, reg, l, vex ? width / 32 : 1);
        }
    }

    /** Relative to the instruction's end, which is a byte further if it has an immediate. @param copies of a number for all elements */
    private void literal(Code c, int reg, Literal l, int copies) {
        put((reg & 7) << 3 | 5);
        boolean one = l.words().size() == 1;
        literals.use(one && c.tuple == Tuple.FULL ? Collections.nCopies(copies, l.words().getFirst()) : l.words(), size, c.immediate() ? 5 : 4);
        put32(0);
    }

    private static int x(Operand rm) {
        return switch (rm) {
            case Vec v -> v.number() >> 4 & 1;
            case Mem m -> m.index() == null ? 0 : m.index().high();
            case Literal _ -> 0;
        };
    }

    private static int b(Operand rm) {
        return switch (rm) {
            case Vec v -> v.number() >> 3 & 1;
            case Mem m -> m.base().high();
            case Literal _ -> 0;
        };
    }

    private void vex(Code c, int reg, int second, Operand rm, int width) {
        int rest = (~second & 15) << 3 | (width == 256 ? 4 : 0) | c.prefix;
        int r = ~reg >> 3 & 1;
        if (x(rm) == 0 && b(rm) == 0 && c.map == 1 && c.w == 0) {
            put(0xc5);
            put(r << 7 | rest);
        } else {
            put(0xc4);
            put(r << 7 | (1 - x(rm)) << 6 | (1 - b(rm)) << 5 | c.map);
            put(c.w << 7 | rest);
        }
    }

    /** An instruction on registers of 512 bits that rounds towards negative infinity, whatever the mode: where such an instruction has its width, it says how it rounds. */
    void roundingDown(Code c, int reg, int second, Vec rm) {
        evex(c, reg, second, rm, 1, 0, false, true);
        put(c.opcode);
        put(0xc0 | (reg & 7) << 3 | rm.number() & 7);
    }

    private static int length(int width) {
        return switch (width) {
            case 128 -> 0;
            case 256 -> 1;
            case 512 -> 2;
            default -> throw new EngineBugException("assembler", "no such vector width", width + " bits", "128, 256 or 512", "report this");
        };
    }

    private void evex(Code c, int reg, int second, Operand rm, int length, int mask, boolean zeroing, boolean rounds) {
        put(0x62);
        put((~reg >> 3 & 1) << 7 | (1 - x(rm)) << 6 | (1 - b(rm)) << 5 | (~reg >> 4 & 1) << 4 | c.map);
        put(c.evexW << 7 | (~second & 15) << 3 | 4 | c.prefix);
        boolean broadcast = rm instanceof Mem m && m.broadcast() || rm instanceof Literal l && l.words().size() == 1 && c.tuple == Tuple.FULL;
        put((zeroing ? 0x80 : 0) | length << 5 | (broadcast || rounds ? 0x10 : 0) | (~second >> 4 & 1) << 3 | mask);
    }
}
