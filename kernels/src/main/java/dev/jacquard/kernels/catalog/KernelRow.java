package dev.jacquard.kernels.catalog;

import java.util.Map;

/**
 * A committed kernel.
 *
 * @param module its .cu file
 * @param symbol its name
 * @param threads of its blocks, at most: what it was compiled for
 * @param needs by device ({@code sm_75}, {@code sm_80}, {@code sm_90a}); devices that are too old for it are left out
 */
public record KernelRow(String module, String symbol, int threads, Map<String, Needs> needs) {
    /**
     * What ptxas says that a kernel needs.
     *
     * @param registers per thread
     * @param shared static shared memory of a block in bytes
     * @param stack bytes of a thread
     * @param spills bytes of stores and loads of spilled registers
     */
    public record Needs(int registers, int shared, int stack, int spills) {}

    /** Copies. */
    public KernelRow {
        needs = Map.copyOf(needs);
    }
}
