package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.FusedNormalization;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeActivation;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeBackward;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import java.util.Map;

/** Normalisation with the sum and the activation behind it: {@link NormalizationPasses} bound to ops. Halves go through {@link HalfAdaptor}, but for {@link ScaleShiftKernel}. */
final class FusedNormalizationKernels {
    private FusedNormalizationKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                BatchNormActivation.class, new Fused<BatchNormActivation>(0, FusedNormalizationKernels::forward),
                BatchNormActivationBackward.class, new Fused<BatchNormActivationBackward>(1, FusedNormalizationKernels::backward),
                NormalizeBackward.class, new Fused<NormalizeBackward>(1, FusedNormalizationKernels::bySums),
                NormalizeActivation.class, new Fused<NormalizeActivation>(0, FusedNormalizationKernels::given),
                ScaleShift.class, new EitherScaleShift(new ScaleShiftKernel(), new Fused<>(0, FusedNormalizationKernels::scaleShift)));
    }

    /** Binds a kernel over (rows, channels). */
    private interface Body<O> {
        Launch bind(O op, Call call, NormalizationPasses passes);
    }

    /** @param like the input that has the shape of x */
    private record Fused<O extends FusedNormalization>(int like, Body<O> body) implements CpuKernel<O> {
        private NormalizationPasses plan(O op, TensorType x, Team team) {
            return new NormalizationPasses(x.shape().size() / x.shape().dim(-1), x.shape().intDim(-1), op.activation(), team.workers(), team.simd());
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return in.stream().allMatch(t -> t.dtype() == DType.F32);
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            return plan(op, in.get(like), team).workspaceBytes();
        }

        @Override
        public Launch bind(O op, Call call) {
            return body.bind(op, call, plan(op, call.in().get(like).type(), call.team()));
        }
    }

    /** Of halves by blocks, of F32 at once. */
    private record EitherScaleShift(CpuKernel<ScaleShift> halves, CpuKernel<ScaleShift> floats) implements CpuKernel<ScaleShift> {
        private CpuKernel<ScaleShift> of(TensorType x) {
            return x.dtype() == DType.F32 ? floats : halves;
        }

        @Override
        public boolean takes(ScaleShift op, List<TensorType> in) {
            return of(in.getFirst()).takes(op, in);
        }

        @Override
        public long workspace(ScaleShift op, List<TensorType> in, Team team) {
            return of(in.getFirst()).workspace(op, in, team);
        }

        @Override
        public Launch bind(ScaleShift op, Call call) {
            return of(call.in().getFirst().type()).bind(op, call);
        }
    }

    private static long residual(FusedNormalization op, Call call) {
        return op.residual() ? call.in(op.withoutResidual()) : 0;
    }

    private static Launch forward(BatchNormActivation op, Call call, NormalizationPasses passes) {
        long x = call.in(0);
        long gamma = call.in(1);
        long beta = call.in(2);
        long residual = residual(op, call);
        long y = call.out(0);
        long mean = call.out(1);
        long variance = call.out(2);
        long workspace = call.workspace();
        return () -> {
            passes.statistics(x, mean, variance, workspace);
            passes.normalize(x, mean, variance, gamma, beta, op.eps(), residual, y, workspace);
        };
    }

    private static Launch given(NormalizeActivation op, Call call, NormalizationPasses passes) {
        long x = call.in(0);
        long gamma = call.in(1);
        long beta = call.in(2);
        long mean = call.in(3);
        long variance = call.in(4);
        long residual = residual(op, call);
        long y = call.out(0);
        long workspace = call.workspace();
        return () -> passes.normalize(x, mean, variance, gamma, beta, op.eps(), residual, y, workspace);
    }

    private static Launch scaleShift(ScaleShift op, Call call, NormalizationPasses passes) {
        long x = call.in(0);
        long scale = call.in(1);
        long shift = call.in(2);
        long residual = residual(op, call);
        long y = call.out(0);
        long workspace = call.workspace();
        return () -> passes.scaleShift(x, scale, shift, residual, y, workspace);
    }

    private static Launch bySums(NormalizeBackward op, Call call, NormalizationPasses passes) {
        NormalizationPasses.Forward f = new NormalizationPasses.Forward(call.in(1), call.in(2), 0, call.in(3), call.in(4), op.eps(), 0);
        long g = call.in(0);
        long dgamma = call.in(5);
        long dbeta = call.in(6);
        long dx = call.out(0);
        long workspace = call.workspace();
        return () -> passes.backwardBySums(f, g, dgamma, dbeta, dx, workspace);
    }

    private static Launch backward(BatchNormActivationBackward op, Call call, NormalizationPasses passes) {
        NormalizationPasses.Forward f = new NormalizationPasses.Forward(call.in(1), call.in(2), call.in(3), call.in(4), call.in(5), op.eps(), residual(op, call));
        long dy = call.in(0);
        long dx = call.out(0);
        long dgamma = call.out(1);
        long dbeta = call.out(2);
        long dr = op.residual() ? call.out(3) : 0;
        long workspace = call.workspace();
        return () -> passes.backward(f, dy, dx, dgamma, dbeta, dr, workspace);
    }
}
