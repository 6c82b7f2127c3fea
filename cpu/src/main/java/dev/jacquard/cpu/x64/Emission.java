package dev.jacquard.cpu.x64;

import java.util.Optional;

/** Whether code can be emitted here, and for which instructions. */
public final class Emission {
    private Emission() {}

    /** Empty if kernels of an instruction set run on this machine; else why not. */
    public static Optional<String> refusal(InstructionSet set) {
        try {
            return CpuFeatures.get().has(set) ? Optional.empty() : Optional.of("this processor, or this system, has no " + set.label());
        } catch (CodeMemory.Refused e) {
            return Optional.of(e.getMessage());
        }
    }
}
