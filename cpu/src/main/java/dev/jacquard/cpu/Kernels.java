package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.backend.BackendOptions.CpuKernels;
import java.util.Optional;

/** The kernels that this process computes with where nothing else is asked for: emitted code where that runs, else the Vector API when the JVM offers it, plain Java otherwise. */
public final class Kernels {
    private Kernels() {}

    /** For which instructions kernels are emitted; empty if none are. */
    static Optional<InstructionSet> code() {
        return CpuPath.of(CpuKernels.AUTO).code();
    }

    /** The innermost loops. */
    public static Simd get() {
        return CpuPath.of(CpuKernels.AUTO).simd();
    }

    /** The scalar loops, whatever the process uses. */
    static Simd scalar() {
        return new ScalarKernels();
    }
}
