package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeActivation;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Normalization.BatchNormBackward;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Batch normalisation, alone and with what follows it: {@code batch_norm.cu} and {@code scale_shift.cu}. Statistics and gradients per channel are F32 in every type, so that what
 * reads the images a second time takes them from the op's own outputs.
 */
final class NormalizationKernels {
    private static final String MODULE = "batch_norm";
    private static final long NULL = 0;

    private NormalizationKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                BatchNorm.class, new OverRows<BatchNorm>(0, (op, call) -> forward(call, op.eps(), Nonlinearity.NONE, NULL)),
                BatchNormBackward.class, new OverRows<BatchNormBackward>(1, NormalizationKernels::plainBackward),
                BatchNormActivation.class, new OverRows<BatchNormActivation>(0, (op, call) -> forward(call, op.eps(), op.activation(), op.residual() ? call.in(3) : NULL)),
                BatchNormActivationBackward.class, new OverRows<BatchNormActivationBackward>(1, NormalizationKernels::fusedBackward),
                NormalizeActivation.class, (CudaKernel<NormalizeActivation>) NormalizationKernels::normalize,
                ScaleShift.class, (CudaKernel<ScaleShift>) NormalizationKernels::scaleShift);
    }

    /** What the kernels are measured on. @param batch images per batch: 1 or 2 to count, 64 or more to time */
    static List<Workload> workloads(long batch) {
        List<Workload> all = new ArrayList<>();
        for (long[] d : new long[][] {{56, 64}, {28, 128}, {14, 256}}) {
            Shape shape = Shape.of(batch, d[0], d[0], d[1]);
            all.add(workload(new BatchNorm(1e-5), 3, shape, 0));
            all.add(workload(new BatchNormBackward(1e-5), 5, shape, 0));
            all.add(workload(new BatchNormActivation(1e-5, Nonlinearity.SILU, false), 3, shape, 0));
            all.add(workload(new BatchNormActivationBackward(1e-5, Nonlinearity.SILU, false), 6, shape, 0));
            all.add(workload(new BatchNormActivation(1e-5, Nonlinearity.RELU, true), 3, shape, 1));
            all.add(workload(new BatchNormActivationBackward(1e-5, Nonlinearity.RELU, true), 6, shape, 1));
            all.add(workload(new NormalizeActivation(1e-5, Nonlinearity.RELU, true), 5, shape, 1));
            all.add(workload(new ScaleShift(Nonlinearity.RELU, true), 3, shape, 1));
        }
        return List.copyOf(all);
    }

    private static Workload workload(Op op, int inputs, Shape shape, long residual) {
        boolean backward = op instanceof BatchNormBackward || op instanceof BatchNormActivationBackward;
        long c = shape.dim(-1);
        List<Operand> operands = new ArrayList<>();
        for (int i = 0; i < inputs; i++) {
            operands.add(i < (backward ? 2 : 1) ? Operand.of(shape.dims()) : Operand.range(0.5, 1, c));
        }
        if (residual > 0) {
            operands.add(Operand.of(shape.dims()));
        }
        long chunks = reducing(shape, DType.F32).chunks();
        return new Workload(op instanceof ScaleShift ? "scale_shift" : MODULE, new Sample(op, List.copyOf(operands)),
                Map.of("rows", shape.size() / c, "c", c, "residual", residual, "chunks", chunks, "parts", chunks));
    }

    /** A kernel that sums over the rows of an input and needs room for the sums. */
    private record OverRows<O extends Op>(int x, CudaKernel<O> body) implements CudaKernel<O> {
        @Override
        public CudaLaunch bind(O op, Call call) {
            return body.bind(op, call);
        }

        @Override
        public long workspace(O op, List<TensorType> in, Device device) {
            TensorType t = in.get(x);
            return 8L * t.shape().dim(-1) * reducing(t.shape(), t.dtype()).chunks();
        }
    }

    private static ChannelWalk reducing(Shape x, DType dtype) {
        return ChannelWalk.reducing(x.size() / x.dim(-1), x.intDim(-1), dtype, 1);
    }

    private static ChannelWalk mapping(Shape x, DType dtype) {
        return ChannelWalk.mapping(x.size() / x.dim(-1), x.intDim(-1), dtype, 1);
    }

    /** What is per channel: addresses of C floats each. */
    private record Channels(long gamma, long beta, long mean, long variance, double eps) {
        KernelLaunch.Builder pass(KernelLaunch.Builder launch) {
            return launch.pointer(gamma).pointer(beta).pointer(mean).pointer(variance);
        }
    }

    private static CudaLaunch forward(Call call, double eps, Nonlinearity activation, long residual) {
        DType dtype = call.in().getFirst().dtype();
        ChannelWalk walk = reducing(call.inShape(0), dtype);
        return call.sequence(
                walk.launch(call, MODULE, "bn_stats", dtype, 1)
                        .pointer(call.in(0)).pointer(call.workspace()).i32(walk.rows()).i32(walk.channels()).i32(walk.perBlock()).build(),
                new ColumnStatistics(walk.rows(), walk.channels(), walk.perBlock()).finish(call, call.workspace(), walk.chunks(), walk.perBlock()),
                normalize(call, new Channels(call.in(1), call.in(2), call.out(1), call.out(2), eps), residual, activation));
    }

    private static CudaLaunch normalize(NormalizeActivation op, Call call) {
        return normalize(call, new Channels(call.in(1), call.in(2), call.in(3), call.in(4), op.eps()), op.residual() ? call.in(5) : NULL, op.activation());
    }

    private static CudaLaunch normalize(Call call, Channels c, long residual, Nonlinearity activation) {
        DType dtype = call.in().getFirst().dtype();
        ChannelWalk walk = mapping(call.inShape(0), dtype);
        return c.pass(walk.launch(call, MODULE, "bn_normalize", dtype, 1).pointer(call.in(0))).pointer(residual).pointer(call.out(0))
                .i32(walk.rows()).i32(walk.channels()).i32(walk.perBlock()).f32(c.eps).i32(activation.ordinal()).build();
    }

    /** Without an activation nothing hangs on beta, and mean serves as some channels' numbers that are there. */
    private static CudaLaunch plainBackward(BatchNormBackward op, Call call) {
        return backward(call, new Channels(call.in(2), call.in(3), call.in(3), call.in(4), op.eps()), Nonlinearity.NONE, NULL, NULL);
    }

    private static CudaLaunch fusedBackward(BatchNormActivationBackward op, Call call) {
        Channels c = new Channels(call.in(2), call.in(3), call.in(4), call.in(5), op.eps());
        return backward(call, c, op.activation(), op.residual() ? call.in(6) : NULL, op.residual() ? call.out(3) : NULL);
    }

    private static CudaLaunch backward(Call call, Channels c, Nonlinearity activation, long residual, long dresidual) {
        DType dtype = call.in().getFirst().dtype();
        ChannelWalk walk = reducing(call.inShape(1), dtype);
        ChannelWalk map = mapping(call.inShape(1), dtype);
        return call.sequence(
                c.pass(walk.launch(call, MODULE, "bn_backward_stats", dtype, 1).pointer(call.in(0)).pointer(call.in(1))).pointer(residual).pointer(call.workspace())
                        .i32(walk.rows()).i32(walk.channels()).i32(walk.perBlock()).f32(c.eps).i32(activation.ordinal()).build(),
                call.launch(MODULE, "bn_backward_finish", DType.F32).grid(Call.blocks(walk.channels(), 32)).block(32, 8, 1)
                        .pointer(call.workspace()).i32(walk.chunks()).i32(walk.channels()).pointer(c.variance).f32(c.eps).pointer(call.out(1)).pointer(call.out(2)).build(),
                c.pass(map.launch(call, MODULE, "bn_backward_apply", dtype, 1).pointer(call.in(0)).pointer(call.in(1))).pointer(call.out(1)).pointer(call.out(2))
                        .pointer(residual).pointer(call.out(0)).pointer(dresidual)
                        .i32(map.rows()).i32(map.channels()).i32(map.perBlock()).f32(c.eps).i32(activation.ordinal()).build());
    }

    private static CudaLaunch scaleShift(ScaleShift op, Call call) {
        DType dtype = call.in().getFirst().dtype();
        ChannelWalk walk = mapping(call.inShape(0), dtype);
        return walk.launch(call, "scale_shift", "scale_shift", dtype, 1)
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.in(2)).pointer(op.residual() ? call.in(3) : NULL).pointer(call.out(0))
                .i32(walk.rows()).i32(walk.channels()).i32(walk.perBlock()).i32(op.activation().ordinal()).build();
    }
}
