package dev.jacquard.cpu;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** Pooling: {@link Pool} bound to ops. */
final class PoolingKernels {
    private PoolingKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                Pooling.MaxPool2d.class, new Pooled<Pooling.MaxPool2d>((op, in) -> shape(op, in.getFirst().shape()),
                        (_, s, team) -> Pool.maxForward(s, team.workers(), team.simd())),
                Pooling.MaxPool2dBackward.class, new Pooled<Pooling.MaxPool2dBackward>((op, in) -> shape(op, image(in, op.h(), op.w())),
                        (_, s, team) -> Pool.maxBackward(s, team.workers(), team.simd())),
                Pooling.AvgPool2d.class, new Pooled<Pooling.AvgPool2d>((op, in) -> shape(op, in.getFirst().shape()),
                        (op, s, team) -> Pool.averageForward(s, op.countPadding(), team.workers(), team.simd())),
                Pooling.AvgPool2dBackward.class, new Pooled<Pooling.AvgPool2dBackward>((op, in) -> shape(op, image(in, op.h(), op.w())),
                        (op, s, team) -> Pool.averageBackward(s, op.countPadding(), team.workers(), team.simd())),
                Pooling.MaxPool2dGather.class, (CpuKernel<Pooling.MaxPool2dGather>) PoolingKernels::gather);
    }

    private static Shape image(List<TensorType> in, long h, long w) {
        Shape dy = in.getFirst().shape();
        return Shape.of(dy.dim(0), h, w, dy.dim(3));
    }

    private static ConvShape shape(Pooling op, Shape x) {
        Window win = op.window();
        int c = x.intDim(3);
        return new ConvShape(x.intDim(0), x.intDim(1), x.intDim(2), c, c, op.r(), op.s(), win.strideH(), win.strideW(),
                win.top(), win.bottom(), win.left(), win.right(), 1, 1, c);
    }

    /** Makes a plan of one kind of pooling. */
    private interface Planner<O> {
        Conv plan(O op, ConvShape shape, CpuKernel.Team team);
    }

    private record Pooled<O extends Op>(BiFunction<O, List<TensorType>, ConvShape> shape, Planner<O> planner) implements CpuKernel<O> {
        private Conv plan(O op, List<TensorType> in, Team team) {
            return planner.plan(op, shape.apply(op, in), team);
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            return plan(op, in, team).workspaceBytes();
        }

        /** The second address is the taps: an output of the forward, an input of the backward. */
        @Override
        public Launch bind(O op, Call call) {
            Conv pool = plan(op, call.in().stream().map(View::type).toList(), call.team());
            long first = call.in(0);
            long taps = call.in().size() > 1 ? call.in(1) : call.out().size() > 1 ? call.out(1) : 0;
            long out = call.out(0);
            long workspace = call.workspace();
            return () -> pool.run(first, taps, out, workspace);
        }
    }

    /** Second order only, so a plain loop. */
    private static Launch gather(Pooling.MaxPool2dGather op, Call call) {
        Shape x = call.inShape(0);
        Shape y = call.outShape(0);
        long src = call.in(0);
        long taps = call.in(1);
        long dst = call.out(0);
        Window win = op.window();
        return call.parallel(y.size() / y.dim(3), 4 * y.dim(3), (a, b) -> {
            for (long p = a; p < b; p++) {
                long n = p / (y.dim(1) * y.dim(2));
                long top = p / y.dim(2) % y.dim(1) * win.strideH() - win.top();
                long left = p % y.dim(2) * win.strideW() - win.left();
                for (long c = 0; c < y.dim(3); c++) {
                    long at = 4 * (p * y.dim(3) + c);
                    int tap = Raw.getInt(taps + at);
                    long pixel = (n * x.dim(1) + top + tap / op.s()) * x.dim(2) + left + tap % op.s();
                    Raw.set(dst + at, Raw.get(src + 4 * (pixel * y.dim(3) + c)));
                }
            }
        });
    }
}
