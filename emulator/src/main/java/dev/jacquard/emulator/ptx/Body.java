package dev.jacquard.emulator.ptx;

import java.util.List;
import java.util.Map;

/**
 * A function's statements.
 *
 * @param instructions in order
 * @param labels index of the instruction that a label stands before
 * @param tables label lists of {@code .branchtargets}, by name
 * @param variables shared, local and call-parameter variables declared inside
 */
public record Body(List<Instruction> instructions, Map<String, Integer> labels, Map<String, List<String>> tables, List<Variable> variables) {}
