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
import java.util.function.BiFunction;

/** Cross entropies, a warp per row of logits, or a block where rows are long. */
final class LossKernels {
    private static final String MODULE = "cross_entropy";

    private LossKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Loss.CrossEntropy.class, new Forward<Loss.CrossEntropy>((op, call) -> Targets.ofLabels(call, 1, op.smoothing())),
                Loss.MixedCrossEntropy.class, new Forward<Loss.MixedCrossEntropy>((op, call) -> Targets.ofPairs(call, 1, op.smoothing())),
                Loss.SoftCrossEntropy.class, new Forward<Loss.SoftCrossEntropy>((_, call) -> Targets.given(call, 1)),
                Loss.CrossEntropyBackward.class, (CudaKernel<Loss.CrossEntropyBackward>) (op, call) -> backward(call, Targets.ofLabels(call, 2, op.smoothing())),
                Loss.MixedCrossEntropyBackward.class, (CudaKernel<Loss.MixedCrossEntropyBackward>) (op, call) -> backward(call, Targets.ofPairs(call, 2, op.smoothing())),
                Loss.SoftCrossEntropyBackward.class, (CudaKernel<Loss.SoftCrossEntropyBackward>) (_, call) -> backward(call, Targets.given(call, 2)));
    }

    /** What targets are made of, as cross_entropy.cu has it: addresses, 0 for what there is not. */
    private record Targets(long labels, long partners, long weights, long given, double smoothing) {
        static Targets ofLabels(Call call, int first, double smoothing) {
            return new Targets(call.in(first), 0, 0, 0, smoothing);
        }

        static Targets ofPairs(Call call, int first, double smoothing) {
            return new Targets(call.in(first), call.in(first + 1), call.in(first + 2), 0, smoothing);
        }

        static Targets given(Call call, int first) {
            return new Targets(0, 0, 0, call.in(first), 0);
        }

        KernelLaunch.Builder addTo(KernelLaunch.Builder launch) {
            return launch.pointer(labels).pointer(partners).pointer(weights).pointer(given).f32(smoothing);
        }
    }

    /** The rows' losses into scratch memory, then their mean. */
    private record Forward<O extends Op>(BiFunction<O, Call, Targets> targets) implements CudaKernel<O> {
        @Override
        public long workspace(O op, List<TensorType> in, Device device) {
            return in.getFirst().shape().dim(0) * DType.F32.bytes();
        }

        @Override
        public CudaLaunch bind(O op, Call call) {
            Shape x = call.inShape(0);
            DType type = call.in().getFirst().dtype();
            CudaLaunch rows = targets.apply(op, call).addTo(ReductionKernels.perRow(call, MODULE, "cross_entropy", type, x.dim(0), x.dim(1)).pointer(call.in(0)))
                    .pointer(call.workspace()).i64(x.dim(0)).i32(x.dim(1)).build();
            CudaLaunch mean = call.launch(MODULE, "cross_entropy_mean", type).grid(1).block(Call.BLOCK)
                    .pointer(call.workspace()).pointer(call.out(0)).i64(x.dim(0)).build();
            return call.sequence(rows, mean);
        }
    }

    private static CudaLaunch backward(Call call, Targets targets) {
        Shape x = call.inShape(1);
        return targets.addTo(ReductionKernels.perRow(call, MODULE, "cross_entropy_backward", call.in().getFirst().dtype(), x.dim(0), x.dim(1)).pointer(call.in(0))
                .pointer(call.in(1)))
                .pointer(call.out(0)).i64(x.dim(0)).i32(x.dim(1)).build();
    }

    /** What the kernels are measured on: ImageNet's classes, and more than a warp can hold. */
    static List<Workload> workloads(long batch) {
        List<Workload> all = new ArrayList<>();
        for (long n : new long[] {1000, 4096}) {
            long rows = batch * 64;
            Operand logits = Operand.range(-4, 4, rows, n);
            Operand labels = Operand.labels(n, rows);
            Operand targets = Operand.range(0, 0.01, rows, n);
            Operand weights = Operand.range(0, 1, rows);
            Map<String, Long> hard = Map.of("rows", rows, "n", n, "soft", 0L, "pair", 0L);
            Map<String, Long> soft = Map.of("rows", rows, "n", n, "soft", 1L, "pair", 0L);
            Map<String, Long> pair = Map.of("rows", rows, "n", n, "soft", 0L, "pair", 1L);
            all.add(new Workload(MODULE, Sample.of(new Loss.CrossEntropy(0.1), logits, labels), hard));
            all.add(new Workload(MODULE, Sample.of(new Loss.CrossEntropyBackward(0.1), Operand.of(), logits, labels), hard));
            all.add(new Workload(MODULE, Sample.of(new Loss.MixedCrossEntropy(0.1), logits, labels, labels, weights), pair));
            all.add(new Workload(MODULE, Sample.of(new Loss.MixedCrossEntropyBackward(0.1), Operand.of(), logits, labels, labels, weights), pair));
            all.add(new Workload(MODULE, Sample.of(new Loss.SoftCrossEntropy(), logits, targets), soft));
            all.add(new Workload(MODULE, Sample.of(new Loss.SoftCrossEntropyBackward(), Operand.of(), logits, targets), soft));
        }
        return List.copyOf(all);
    }
}
