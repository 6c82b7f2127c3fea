/** Benchmarks: each checks its own answer before it is timed. Results are CSV under {@code bench/results}, named by their conditions. */
package dev.jacquard.bench;
