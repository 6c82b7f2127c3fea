package dev.jacquard.cpu.x64;

import java.util.Arrays;
import java.util.List;

/**
 * A constant behind the code, read relative to the instruction: an operand in place of memory. One number stands for all elements: AVX-512 broadcasts it, for AVX2 it is written
 * out as often as the vector has elements. Equal ones are stored once. Not for moves (they do not broadcast): {@link Assembler#constant} loads one into a register.
 *
 * @param words 32 bits each: one for all elements, or as many as the vector has
 */
record Literal(List<Integer> words) implements Operand {
    static Literal of(float value) {
        return bits(Float.floatToRawIntBits(value));
    }

    static Literal bits(int word) {
        return new Literal(List.of(word));
    }

    /** A number of its own for each element. */
    static Literal each(int... words) {
        return new Literal(Arrays.stream(words).boxed().toList());
    }
}
