package dev.jacquard.emulator;

/**
 * How an emulator behaves.
 *
 * @param memoryBytes device memory in all
 * @param instructionBudget warp instructions of a launch after which it counts as endless
 * @param uninitialized whether reads of memory that was never written are faults
 * @param races whether unordered accesses to shared memory are faults
 * @param count whether launches are counted: see {@link LaunchStats}
 */
public record EmulatorOptions(long memoryBytes, long instructionBudget, boolean uninitialized, boolean races, boolean count) {
    /** 8 GiB, a billion warp instructions, all checks, no counters. */
    public static final EmulatorOptions DEFAULT = new EmulatorOptions(8L << 30, 1_000_000_000L, true, true, false);

    /** With counters or without. */
    public EmulatorOptions counting(boolean on) {
        return new EmulatorOptions(memoryBytes, instructionBudget, uninitialized, races, on);
    }

    /** With another size of memory. */
    public EmulatorOptions memory(long bytes) {
        return new EmulatorOptions(bytes, instructionBudget, uninitialized, races, count);
    }

    /** With another budget of warp instructions. */
    public EmulatorOptions budget(long instructions) {
        return new EmulatorOptions(memoryBytes, instructions, uninitialized, races, count);
    }

    /** Without the checks that cost time: only addresses are checked. */
    public EmulatorOptions unchecked() {
        return new EmulatorOptions(memoryBytes, instructionBudget, false, false, count);
    }
}
