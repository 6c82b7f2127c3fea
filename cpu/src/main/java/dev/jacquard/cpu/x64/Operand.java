package dev.jacquard.cpu.x64;

/** What an instruction reads or writes last: a vector register or memory. */
sealed interface Operand permits Vec, Mem {}
