package dev.jacquard.emulator.ptx;

import java.util.List;

/**
 * One statement of a function's body.
 *
 * @param guard predicate, or null
 * @param negated whether it runs where the guard is false
 * @param opcode up to the first dot
 * @param modifiers the rest of the opcode, cut at its dots
 * @param operands in order of the text
 * @param line of the PTX text, from 1
 * @param location in the CUDA source, or null
 */
public record Instruction(Register guard, boolean negated, String opcode, List<String> modifiers, List<Operand> operands, int line, Location location) {
    /** Whether the opcode has such a modifier. */
    public boolean has(String modifier) {
        return modifiers.contains(modifier);
    }

    /** The last modifier that is a type. @throws PtxException if there is none */
    public PtxType type() {
        for (int i = modifiers.size() - 1; i >= 0; i--) {
            PtxType t = PtxType.of(modifiers.get(i));
            if (t != null) {
                return t;
            }
        }
        throw new PtxException(line, "no type in " + this);
    }

    /** The instruction as PTX text. */
    @Override
    public String toString() {
        String name = modifiers.isEmpty() ? opcode : opcode + "." + String.join(".", modifiers);
        String at = guard == null ? "" : "@" + (negated ? "!" : "") + guard.name() + " ";
        return at + name + (operands.isEmpty() ? "" : " " + String.join(", ", operands.stream().map(Object::toString).toList()));
    }
}
