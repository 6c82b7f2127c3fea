package dev.jacquard.cpu.x64;

/**
 * Products of bytes on registers alone: what this core can do at most. Argument: rdi, the number of rounds.
 *
 * @param dot multiplication; not {@link ByteDot#WORDS}
 */
record VnniPeak(ByteDot dot) implements Kernel.Spec {
    @Override
    public void emit(Assembler a) {
        InstructionSet set = dot.set();
        FmaPeak.rounds(a, set, sum -> a.vpdpbusd(sum, set.vec(FmaPeak.CHAINS), set.vec(FmaPeak.CHAINS + 1)));
    }

    /** Multiplications and additions per nanosecond on this core: the best of some runs of a millisecond or so. */
    static double gigaops(ByteDot dot) {
        return FmaPeak.roundsPerNanosecond(Kernel.of(new VnniPeak(dot))) * FmaPeak.CHAINS * 8 * dot.lanes();
    }
}
