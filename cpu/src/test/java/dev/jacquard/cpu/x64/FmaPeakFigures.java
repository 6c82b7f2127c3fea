package dev.jacquard.cpu.x64;

/** What a core can do at most, for benchmarks in other packages. */
public final class FmaPeakFigures {
    private FmaPeakFigures() {}

    /** GFLOP/s of this core. */
    public static double gigaflops(InstructionSet set) {
        return FmaPeak.gigaflops(set);
    }
}
