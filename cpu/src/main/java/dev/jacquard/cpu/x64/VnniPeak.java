package dev.jacquard.cpu.x64;


/**
 * Products of bytes on registers alone: what this core can do at most. Argument: rdi, the number of rounds.
 *
 * @param dot multiplication; not {@link ByteDot#WORDS}
 */
record VnniPeak(ByteDot dot) implements Kernel.Spec {
    private static final int CHAINS = 12;

    @Override
    public void emit(Assembler a) {
        InstructionSet set = dot.set();
        for (int i = 0; i < CHAINS + 2; i++) {
            a.vxorps(set.vec(i), set.vec(i), set.vec(i));
        }
        a.align(32);
        Label round = a.here();
        for (int i = 0; i < CHAINS; i++) {
            a.vpdpbusd(set.vec(i), set.vec(CHAINS), set.vec(CHAINS + 1));
        }
        a.dec(Gp.RDI);
        a.j(Condition.NE, round);
        a.vzeroupper();
        a.ret();
    }

    /** Multiplications and additions per nanosecond on this core: the best of some runs of a millisecond or so. */
    static double gigaops(ByteDot dot) {
        Kernel k = Kernel.of(new VnniPeak(dot));
        long rounds = 300_000;
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 20; i++) {
            long from = System.nanoTime();
            k.run(rounds, 0, 0, 0, 0, 0);
            best = Math.min(best, System.nanoTime() - from);
        }
        return (double) rounds * CHAINS * 8 * dot.lanes() / best;
    }
}
