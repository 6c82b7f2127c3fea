package dev.jacquard.cpu.x64;

/** What an instruction reads or writes last: a vector register, memory or a constant. */
sealed interface Operand permits Vec, Mem, Literal {}
