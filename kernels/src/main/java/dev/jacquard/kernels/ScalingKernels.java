package dev.jacquard.kernels;

import dev.jacquard.kernels.OptimizerKernels.OfParts;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.LossScaling.CountSteps;
import dev.jacquard.tensor.op.LossScaling.NotFinite;
import dev.jacquard.tensor.op.LossScaling.Unscale;
import dev.jacquard.tensor.op.LossScaling.UpdateScale;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Loss scaling and clipping: many gradients in a launch. */
final class ScalingKernels {
    private ScalingKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Unscale.class, (OfParts<Unscale>) (_, call) -> unscale(call),
                NotFinite.class, (OfParts<NotFinite>) (_, call) -> notFinite(call),
                UpdateScale.class, (CudaKernel<UpdateScale>) ScalingKernels::updateScale,
                CountSteps.class, (CudaKernel<CountSteps>) (_, call) -> countSteps(call),
                ClipByGlobalNorm.class, new Clip());
    }

    /** What the kernels are measured on. */
    static List<Workload> workloads(long batch) {
        long n = batch * 256 * 256;
        Operand x = Operand.of(batch * 256, 256);
        Operand flag = Operand.integers(DType.I32, 0, 1);
        Map<String, Long> clipped = Map.of("n", 2 * n, "b", 2 * Call.blocks(n, Parts.CHUNK));
        return List.of(
                new Workload("clip", Sample.of(new ClipByGlobalNorm(1, ClipByGlobalNorm.Form.PYTORCH), x, x), clipped),
                new Workload("scaling", Sample.of(new Unscale(), Operand.range(1, 1024), x, x), Map.of("n", 2 * n)),
                new Workload("scaling", Sample.of(new NotFinite(), x, x), Map.of("n", 2 * n)),
                new Workload("scaling", Sample.of(new UpdateScale(2, 2000, 0.5, 1), Operand.range(1, 1024), Operand.integers(DType.I32, 0, 1999), flag), Map.of()),
                new Workload("scaling", Sample.of(new CountSteps(), Operand.integers(DType.I32, 0, 1999), flag), Map.of()));
    }

    /** A sum per block, then one for all of them, then each gradient by the factor. */
    private static final class Clip implements OfParts<ClipByGlobalNorm> {
        /** Bytes before the sums, which begin a sector. */
        private static final long FACTOR = 32;

        @Override
        public long workspace(ClipByGlobalNorm op, List<TensorType> in, Device device) {
            return FACTOR + 4 * in.stream().mapToLong(t -> Call.blocks(t.shape().size(), Parts.CHUNK)).sum();
        }

        @Override
        public CudaLaunch bind(ClipByGlobalNorm op, Call call) {
            int n = call.in().size();
            long factor = call.workspace();
            long sums = factor + FACTOR;
            long blocks = 0;
            List<CudaLaunch> launches = new ArrayList<>();
            for (var e : byType(call, 0, 1).entrySet()) {
                for (Parts.Table t : e.getValue().tables()) {
                    launches.add(call.launch("clip", "clip_squares", e.getKey()).grid(t.blocks()).block(Call.BLOCK).struct(t.bytes()).pointer(sums + 4 * blocks).build());
                    blocks += t.blocks();
                }
            }
            launches.add(call.launch("clip", "clip_factor", DType.F32).block(Call.BLOCK).pointer(sums).i32(blocks).f32(op.max())
                    .i32(op.form() == ClipByGlobalNorm.Form.TENSORFLOW ? 1 : 0)
                    .pointer(call.out(n)).pointer(factor).build());
            byType(call, 0, 2).forEach((type, parts) -> parts.tables().forEach(t ->
                    launches.add(call.launch("clip", "clip_scale", type).grid(t.blocks()).block(Call.BLOCK).struct(t.bytes()).pointer(factor).build())));
            return call.sequence(launches.toArray(CudaLaunch[]::new));
        }
    }

    private static CudaLaunch unscale(Call call) {
        List<CudaLaunch> launches = new ArrayList<>(List.of(call.fill(call.out(0), DType.I32.bytes(), 0)));
        byType(call, 1, 2).forEach((type, parts) -> parts.tables().forEach(t -> launches.add(call.launch("scaling", "unscale", type).grid(t.blocks()).block(Call.BLOCK)
                .struct(t.bytes()).pointer(call.in(0)).pointer(call.out(0)).build())));
        return call.sequence(launches.toArray(CudaLaunch[]::new));
    }

    private static CudaLaunch notFinite(Call call) {
        List<CudaLaunch> launches = new ArrayList<>(List.of(call.fill(call.out(0), DType.I32.bytes(), 0)));
        byType(call, 0, 1).forEach((type, parts) -> parts.tables().forEach(t -> launches.add(call.launch("scaling", "not_finite", type).grid(t.blocks()).block(Call.BLOCK)
                .struct(t.bytes()).pointer(call.out(0)).build())));
        return call.sequence(launches.toArray(CudaLaunch[]::new));
    }

    /** Inputs from the first one on, by their type. @param tensors 1 for them alone, 2 with the output of the same number */
    private static Map<DType, Parts> byType(Call call, int first, int tensors) {
        Map<DType, Parts> all = new TreeMap<>();
        for (int i = first; i < call.in().size(); i++) {
            long[] addresses = tensors == 1 ? new long[] {call.in(i)} : new long[] {call.in(i), call.out(i)};
            all.computeIfAbsent(call.in().get(i).dtype(), _ -> new Parts(tensors)).add(addresses, call.inShape(i).size(), 0);
        }
        return all;
    }

    private static CudaLaunch updateScale(UpdateScale op, Call call) {
        return call.launch("scaling", "update_scale", call.out().getFirst().dtype())
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.in(2)).pointer(call.out(0)).pointer(call.out(1))
                .f32(op.growth()).i32(op.interval()).f32(op.backoff()).i32(op.patience()).f32(op.minimum())
                .build();
    }

    private static CudaLaunch countSteps(Call call) {
        return call.launch("scaling", "count_steps", DType.I32).pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0)).build();
    }
}
