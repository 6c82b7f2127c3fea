/** PTX text as a model: tokens, declarations, instructions. Knows nothing of execution. */
package dev.jacquard.emulator.ptx;
