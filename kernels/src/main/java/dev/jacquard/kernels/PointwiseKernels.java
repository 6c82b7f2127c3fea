package dev.jacquard.kernels;

import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Sample;
import java.util.List;
import java.util.Map;

/** Pointwise ops. */
final class PointwiseKernels {
    private PointwiseKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(Pointwise.Affine.class, (CudaKernel<Pointwise.Affine>) PointwiseKernels::affine);
    }

    /** What the kernels are measured on. @param batch images per batch: 1 or 2 to count, 64 or more to time */
    static List<Workload> workloads(long batch) {
        return List.of(new Workload("affine", Sample.of(new Pointwise.Affine(2, 1), Operand.of(batch, 56, 56, 64)), Map.of("n", batch * 56 * 56 * 64)));
    }

    private static CudaLaunch affine(Pointwise.Affine op, Call call) {
        long n = call.outShape(0).size();
        return call.launch("affine", "affine", call.out().getFirst().dtype())
                .grid(Call.blocks(n, Call.BLOCK * 16L / call.out().getFirst().dtype().bytes()))
                .block(Call.BLOCK)
                .pointer(call.in(0)).pointer(call.out(0)).i64(n).f32(op.scale()).f32(op.shift())
                .build();
    }
}
