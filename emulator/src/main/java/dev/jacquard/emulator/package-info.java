/** A CUDA device in software: executes PTX in lock-step warps, and says what a kernel does wrong. */
package dev.jacquard.emulator;
