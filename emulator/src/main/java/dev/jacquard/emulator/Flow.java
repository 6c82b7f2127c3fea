package dev.jacquard.emulator;

/** How a block of instructions ends. */
sealed interface Flow {
    /** Goes on with the next block. */
    record Next() implements Flow {}

    /** Where the guard holds, goes to a block, else on with the next. */
    record Branch(int target) implements Flow {}

    /** Goes to the block that an index says. */
    record Table(int register, int[] targets) implements Flow {}

    /** Where the guard holds, the threads end. */
    record Exit() implements Flow {}

    /** The device stops with an error. */
    record Trap() implements Flow {}

    /**
     * Waits for the block's other warps.
     *
     * @param id register of the barrier's number
     * @param threads register of the number of threads that take part, or -1 for all
     * @param arrive whether the warp goes on without waiting
     * @param reduce {@code 0} no result, {@code p} count, {@code a} and, {@code o} or of the predicate
     * @param d result's register or predicate
     * @param p predicate of a reduction
     * @param not whether it is negated
     */
    record Barrier(int id, int threads, boolean arrive, char reduce, int d, int p, boolean not) implements Flow {}
}
