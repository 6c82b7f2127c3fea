package dev.jacquard.tck.reference;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Which kernel computes which op. Pointwise ops are not in it: they state their formula themselves. */
final class Kernels {
    private static final Map<Class<? extends Op>, Kernel<Op>> BY_OP = new HashMap<>();

    static {
        MovementKernels.rows();
        ReductionKernels.rows();
        ProductKernels.rows();
        PoolingKernels.rows();
        RandomKernels.rows();
        ImageKernels.rows();
        SparseKernels.rows();
    }

    private Kernels() {}

    /** A kernel of one output. */
    @FunctionalInterface
    interface Single<O extends Op> {
        double[] run(O op, List<Array> in, TensorType type);
    }

    static <O extends Op> void one(Class<O> op, Single<O> kernel) {
        all(op, (o, in, types) -> List.of(kernel.run(o, in, types.getFirst())));
    }

    static <O extends Op> void all(Class<O> type, Kernel<O> kernel) {
        BY_OP.put(type, (op, in, types) -> kernel.run(type.cast(op), in, types));
    }

    static Optional<Kernel<Op>> of(Op op) {
        return Optional.ofNullable(BY_OP.get(op.getClass()));
    }
}
