package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Gating;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExciteBackward;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Squeeze and excitation, whole and taken apart: {@link Gates} bound to ops. */
final class GateKernels {
    private GateKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                SqueezeExcite.class, new Gated<SqueezeExcite>(0, 1, SqueezeExcite::activation, GateKernels::forward),
                SqueezeExciteBackward.class, new Gated<SqueezeExciteBackward>(1, 2, SqueezeExciteBackward::activation, GateKernels::backward),
                Gating.Gate.class, new Gated<Gating.Gate>(0, 1, Gating.Gate::activation, GateKernels::gate),
                Gating.KeptGate.class, new Gated<Gating.KeptGate>(0, 1, Gating.KeptGate::activation, GateKernels::kept),
                Gating.GateResidual.class, new Gated<Gating.GateResidual>(0, -1, _ -> Nonlinearity.NONE, GateKernels::residual));
    }

    /** Binds a kernel over images. */
    private interface Body<O> {
        Launch bind(O op, Call call, Gates gates);
    }

    /** @param image the input that is the images @param weight the one that is the first layer's weight, -1 for none @param inner what follows the first layer */
    private record Gated<O extends Op>(int image, int weight, Function<O, Nonlinearity> inner, Body<O> body) implements CpuKernel<O> {
        private Gates plan(O op, List<TensorType> in, Team team) {
            Shape x = in.get(image).shape();
            int s = weight < 0 ? 1 : in.get(weight).shape().intDim(0);
            return new Gates(x.intDim(0), Math.toIntExact(x.dim(1) * x.dim(2)), x.intDim(3), s, inner.apply(op), team.workers(), team.simd());
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return in.stream().allMatch(t -> t.dtype() == DType.F32);
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            return plan(op, in, team).workspaceBytes();
        }

        @Override
        public Launch bind(O op, Call call) {
            return body.bind(op, call, plan(op, call.in().stream().map(v -> v.type()).toList(), call.team()));
        }
    }

    private static Launch forward(SqueezeExcite op, Call call, Gates gates) {
        long x = call.in(0);
        long w1 = call.in(1);
        long b1 = call.in(2);
        long w2 = call.in(3);
        long b2 = call.in(4);
        long y = call.out(0);
        long means = call.out(1);
        long hidden = call.out(2);
        long gate = call.out(3);
        long workspace = call.workspace();
        return () -> {
            gates.gates(x, w1, b1, w2, b2, means, hidden, gate, workspace);
            gates.multiply(x, gate, 0, Nonlinearity.NONE, y, workspace);
        };
    }

    private static Launch gate(Gating.Gate op, Call call, Gates gates) {
        long x = call.in(0);
        long w1 = call.in(1);
        long b1 = call.in(2);
        long w2 = call.in(3);
        long b2 = call.in(4);
        long gate = call.out(0);
        long workspace = call.workspace();
        return () -> gates.gates(x, w1, b1, w2, b2, gate, workspace);
    }

    private static Launch kept(Gating.KeptGate op, Call call, Gates gates) {
        long x = call.in(0);
        long w1 = call.in(1);
        long b1 = call.in(2);
        long w2 = call.in(3);
        long b2 = call.in(4);
        long means = call.out(0);
        long hidden = call.out(1);
        long gate = call.out(2);
        long workspace = call.workspace();
        return () -> gates.gates(x, w1, b1, w2, b2, means, hidden, gate, workspace);
    }

    private static Launch residual(Gating.GateResidual op, Call call, Gates gates) {
        long x = call.in(0);
        long gate = call.in(1);
        long residual = call.in(2);
        long y = call.out(0);
        long workspace = call.workspace();
        return () -> gates.multiply(x, gate, residual, op.activation(), y, workspace);
    }

    private static Launch backward(SqueezeExciteBackward op, Call call, Gates gates) {
        long dy = call.in(0);
        Gates.Forward f = new Gates.Forward(call.in(1), call.in(2), call.in(3), call.in(4), call.in(5), call.in(6));
        Gates.Gradients to = new Gates.Gradients(call.out(0), call.out(1), call.out(2), call.out(3), call.out(4));
        long workspace = call.workspace();
        return () -> gates.backward(f, dy, to, workspace);
    }
}
