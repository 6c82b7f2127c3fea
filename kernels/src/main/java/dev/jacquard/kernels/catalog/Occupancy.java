package dev.jacquard.kernels.catalog;

import java.util.Locale;

/**
 * How many blocks of a kernel a multiprocessor holds at once, and what limits it: the calculation of NVIDIA's occupancy calculator.
 *
 * @param device name, as in the table of ptxas
 * @param blocks resident at once
 * @param warps resident at once
 * @param maxWarps that the multiprocessor has room for
 * @param limit what ends it: registers, shared, threads, blocks
 */
public record Occupancy(String device, int blocks, int warps, int maxWarps, String limit) {
    private static final int REGISTERS = 64 << 10;
    private static final int REGISTER_UNIT = 256;
    private static final int WARP = 32;
    private static final int WARP_UNIT = 4;

    /** A multiprocessor's room. @param reserved shared memory that the system takes of each block */
    private record Sm(int warps, int blocks, int shared, int sharedUnit, int reserved) {}

    private static Sm sm(String device) {
        return switch (device) {
            case "sm_75" -> new Sm(32, 16, 64 << 10, 256, 0);
            case "sm_80" -> new Sm(64, 32, 164 << 10, 128, 1024);
            case "sm_90", "sm_90a" -> new Sm(64, 32, 228 << 10, 128, 1024);
            default -> throw new IllegalArgumentException("no figures for " + device);
        };
    }

    /**
     * Calculates.
     *
     * @param device sm_75, sm_80 or sm_90a
     * @param threads of a block
     * @param registers per thread
     * @param shared memory of a block in bytes, static and dynamic
     */
    public static Occupancy of(String device, int threads, int registers, int shared) {
        Sm sm = sm(device);
        int warps = up(threads, WARP) / WARP;
        int byThreads = sm.warps / warps;
        // Registers are handed out by the warp, to warps in groups of four.
        int perWarp = up(Math.max(registers, 1) * WARP, REGISTER_UNIT);
        int byRegisters = REGISTERS / perWarp / WARP_UNIT * WARP_UNIT / warps;
        int taken = up(shared + sm.reserved, sm.sharedUnit);
        int byShared = taken == 0 ? Integer.MAX_VALUE : sm.shared / taken;
        int blocks = Math.min(Math.min(byThreads, byRegisters), Math.min(byShared, sm.blocks));
        String limit = blocks == byThreads ? "threads" : blocks == byRegisters ? "registers" : blocks == byShared ? "shared" : "blocks";
        return new Occupancy(device, blocks, blocks * warps, sm.warps, limit);
    }

    private static int up(int n, int unit) {
        return (n + unit - 1) / unit * unit;
    }

    /** Part of the warps that the multiprocessor has room for, 0 to 1. */
    public double part() {
        return (double) warps / maxWarps;
    }

    /** {@code sm_80 100 % (8 blocks, threads)}. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s %.0f %% (%d blocks, %s)", device, 100 * part(), blocks, limit);
    }
}
