package dev.jacquard.cpu.x64;

/** Conditions of jumps and moves; {@code B}, {@code A} and their like are of unsigned comparisons. */
enum Condition {
    B(2), AE(3), E(4), NE(5), BE(6), A(7), L(12), GE(13), LE(14), G(15);

    /** Its number in opcodes. */
    final int code;

    Condition(int code) {
        this.code = code;
    }
}
