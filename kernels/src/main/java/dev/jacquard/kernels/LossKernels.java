package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Loss;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Cross entropies, a warp per row of logits, or a block where rows are long. */
final class LossKernels {
    private static final String MODULE = "cross_entropy";

    private LossKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Loss.CrossEntropy.class, new Forward<Loss.CrossEntropy>(true, Loss.CrossEntropy::smoothing),
                Loss.SoftCrossEntropy.class, new Forward<Loss.SoftCrossEntropy>(false, _ -> 0),
                Loss.CrossEntropyBackward.class, (CudaKernel<Loss.CrossEntropyBackward>) (op, call) -> backward(call, call.in(2), 0, op.smoothing()),
                Loss.SoftCrossEntropyBackward.class, (CudaKernel<Loss.SoftCrossEntropyBackward>) (_, call) -> backward(call, 0, call.in(2), 0));
    }

    /** The rows' losses into scratch memory, then their mean. */
    private record Forward<O extends Op>(boolean labels, java.util.function.ToDoubleFunction<O> smoothing) implements CudaKernel<O> {
        @Override
        public long workspace(O op, List<TensorType> in, int multiprocessors) {
            return in.getFirst().shape().dim(0) * DType.F32.bytes();
        }

        @Override
        public CudaLaunch bind(O op, Call call) {
            Shape x = call.inShape(0);
            DType type = call.in().getFirst().dtype();
            CudaLaunch rows = ReductionKernels.perRow(call, MODULE, "cross_entropy", type, x.dim(0), x.dim(1))
                    .pointer(call.in(0)).pointer(labels ? call.in(1) : 0).pointer(labels ? 0 : call.in(1)).pointer(call.workspace())
                    .i64(x.dim(0)).i32(x.dim(1)).f32(smoothing.applyAsDouble(op)).build();
            CudaLaunch mean = call.launch(MODULE, "cross_entropy_mean", type).grid(1).block(Call.BLOCK)
                    .pointer(call.workspace()).pointer(call.out(0)).i64(x.dim(0)).build();
            return call.sequence(rows, mean);
        }
    }

    private static CudaLaunch backward(Call call, long labels, long targets, double smoothing) {
        Shape x = call.inShape(1);
        return ReductionKernels.perRow(call, MODULE, "cross_entropy_backward", call.in().getFirst().dtype(), x.dim(0), x.dim(1))
                .pointer(call.in(0)).pointer(call.in(1)).pointer(labels).pointer(targets).pointer(call.out(0)).i64(x.dim(0)).i32(x.dim(1)).f32(smoothing).build();
    }

    /** What the kernels are measured on: ImageNet's classes, and more than a warp can hold. */
    static List<Workload> workloads(long batch) {
        List<Workload> all = new ArrayList<>();
        for (long n : new long[] {1000, 4096}) {
            long rows = batch * 64;
            Operand logits = Operand.range(-4, 4, rows, n);
            Operand labels = Operand.labels(n, rows);
            Operand targets = Operand.range(0, 0.01, rows, n);
            Map<String, Long> hard = Map.of("rows", rows, "n", n, "soft", 0L);
            Map<String, Long> soft = Map.of("rows", rows, "n", n, "soft", 1L);
            all.add(new Workload(MODULE, Sample.of(new Loss.CrossEntropy(0.1), logits, labels), hard));
            all.add(new Workload(MODULE, Sample.of(new Loss.CrossEntropyBackward(0.1), Operand.of(), logits, labels), hard));
            all.add(new Workload(MODULE, Sample.of(new Loss.SoftCrossEntropy(), logits, targets), soft));
            all.add(new Workload(MODULE, Sample.of(new Loss.SoftCrossEntropyBackward(), Operand.of(), logits, targets), soft));
        }
        return List.copyOf(all);
    }
}
