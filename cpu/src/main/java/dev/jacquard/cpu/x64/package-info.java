/**
 * Kernels as machine code, emitted when a plan is made, specialised for its shapes, and called through the foreign function interface. {@link dev.jacquard.cpu.x64.Assembler} knows instructions,
 * {@link dev.jacquard.cpu.x64.Kernel} places and calls them.
 */
package dev.jacquard.cpu.x64;
