package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import java.util.Optional;

/** The CPU backend's kernel for one op: a row of its table. By default for F32, contiguous operands, no scratch. */
@FunctionalInterface
interface CpuKernel<O extends Op> {
    /** Binds the kernel to operands. Everything that can be done once is done here; the launch allocates nothing. */
    Launch bind(O op, Call call);

    /** Whether the kernel computes on operands of these types. */
    default boolean takes(O op, List<TensorType> in) {
        return in.stream().allMatch(t -> t.dtype() == DType.F32 || !t.dtype().isFloating());
    }

    /** Whether it reads an input that lies like this. */
    default boolean reads(int input, Layout layout) {
        return layout.isContiguous();
    }

    /** Scratch in bytes. */
    default long workspace(O op, List<TensorType> in, Team team) {
        return 0;
    }

    /** Whether it computes with such a team: some kernels are emitted code only. */
    default boolean runsOn(Team team) {
        return true;
    }

    /**
     * Who computes.
     *
     * @param workers threads
     * @param simd innermost loops
     * @param code for which instructions kernels are emitted; empty if none are
     */
    record Team(Workers workers, Simd simd, Optional<InstructionSet> code) {}
}
