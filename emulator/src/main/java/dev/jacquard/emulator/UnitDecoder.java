package dev.jacquard.emulator;

import dev.jacquard.emulator.MatrixProduct.Multiplicand;
import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.emulator.ptx.Operand;
import dev.jacquard.emulator.ptx.PtxException;
import dev.jacquard.emulator.ptx.PtxType;
import java.util.List;

/** What decoders of the units beside the ordinary ones share: tensor cores, copies and barriers. Made for one instruction. */
abstract class UnitDecoder {
    final Decoder decoder;
    final InsnDecoder plain;
    final Instruction in;
    final List<Operand> ops;

    UnitDecoder(Decoder decoder, InsnDecoder plain, Instruction in) {
        this.decoder = decoder;
        this.plain = plain;
        this.in = in;
        ops = in.operands();
    }

    abstract Insn decode();

    /** Types among the modifiers, in their order: of the result and the operands. */
    final List<PtxType> types() {
        return in.modifiers().stream().map(PtxType::of).filter(t -> t != null).toList();
    }

    /** The modifier that says a product's extents. @param start what it starts with */
    final String shape(String start) {
        return in.modifiers().stream().filter(m -> m.startsWith(start)).findFirst().orElseThrow(plain::unknown);
    }

    final Multiplicand multiplicand(PtxType type) {
        return switch (type) {
            case F16 -> Multiplicand.F16;
            case BF16 -> Multiplicand.BF16;
            case TF32 -> Multiplicand.TF32;
            case S8 -> Multiplicand.S8;
            case U8 -> Multiplicand.U8;
            default -> throw plain.unknown();
        };
    }

    /** A 32-bit register, or a constant of that size. */
    final int word(Operand o) {
        return decoder.narrow(o, PtxType.B32);
    }

    /** The 32-bit registers of a list, or of one that stands by itself. */
    final int[] registers(Operand o) {
        List<Operand> items = o instanceof Operand.Group(List<Operand> list) ? list : List.of(o);
        return items.stream().mapToInt(this::word).toArray();
    }

    /** The value of an operand that must be a constant. */
    final long constant(int operand) {
        if (ops.size() > operand && ops.get(operand) instanceof Operand.Immediate i) {
            return i.bits();
        }
        throw new PtxException(in.line(), "expected a constant as operand " + (operand + 1) + " of " + in);
    }
}
