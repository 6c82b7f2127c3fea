package dev.jacquard.cpu.x64;

import java.util.function.Consumer;

/**
 * Multiply-adds on registers alone: what this core can do at most. Argument: rdi, the number of rounds of {@link #FLOPS_PER_ROUND} vectors' FLOPs.
 *
 * @param set instruction set
 */
record FmaPeak(InstructionSet set) implements Kernel.Spec {
    /** Operations of a round: enough to hide the latency of four cycles of two that begin in each. */
    static final int CHAINS = 12;

    /** FLOPs of a round, per float of a vector. */
    private static final int FLOPS_PER_ROUND = 2 * CHAINS;

    @Override
    public void emit(Assembler a) {
        rounds(a, set, sum -> a.vfmadd231ps(sum, set.vec(CHAINS), set.vec(CHAINS + 1)));
    }

    /** Emits rounds of {@link #CHAINS} operations that do not wait for one another, on registers of zeros. */
    static void rounds(Assembler a, InstructionSet set, Consumer<Vec> operation) {
        for (int i = 0; i < CHAINS + 2; i++) {
            a.vxorps(set.vec(i), set.vec(i), set.vec(i));
        }
        a.align(32);
        Label round = a.here();
        for (int i = 0; i < CHAINS; i++) {
            operation.accept(set.vec(i));
        }
        a.dec(Gp.RDI);
        a.j(Condition.NE, round);
        a.vzeroupper();
        a.ret();
    }

    /** FLOP/s of this core, in billions: the best of some runs of a millisecond or so. */
    static double gigaflops(InstructionSet set) {
        return roundsPerNanosecond(Kernel.of(new FmaPeak(set))) * FLOPS_PER_ROUND * set.lanes();
    }

    /** Rounds of {@link #rounds} per nanosecond. */
    static double roundsPerNanosecond(Kernel k) {
        long rounds = 300_000;
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 20; i++) {
            long from = System.nanoTime();
            k.run(rounds, 0, 0, 0, 0, 0);
            best = Math.min(best, System.nanoTime() - from);
        }
        return (double) rounds / best;
    }
}
