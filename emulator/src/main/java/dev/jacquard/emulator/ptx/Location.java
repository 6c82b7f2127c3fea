package dev.jacquard.emulator.ptx;

/**
 * A place in the CUDA source, from {@code .loc}.
 *
 * @param file as in {@code .file}, the last part of its path
 * @param line from 1; 0 where the compiler does not know
 * @param inlinedAt where the function that holds this line was inlined, or null
 */
public record Location(String file, int line, Location inlinedAt) {
    /** {@code silu.cu:12}, {@code common.cuh:30 inlined at silu.cu:12}. */
    @Override
    public String toString() {
        return file + ":" + line + (inlinedAt == null ? "" : " inlined at " + inlinedAt);
    }
}
