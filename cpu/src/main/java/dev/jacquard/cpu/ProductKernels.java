package dev.jacquard.cpu;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** Matrix products and convolutions: {@link Gemm} and {@link Conv} bound to ops. */
final class ProductKernels {
    private ProductKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                MatMul.class, new Product(),
                Conv2d.class, new Convolve<Conv2d>((op, in) -> shape(op, in.get(0).shape(), in.get(1).shape()), Conv::forward),
                Conv2dBackwardData.class, new Convolve<Conv2dBackwardData>((op, in) -> shape(op, image(op, in), in.get(1).shape()), Conv::backwardData),
                Conv2dBackwardWeight.class, new Convolve<Conv2dBackwardWeight>((op, in) -> shape(op, in.get(0).shape(), weight(op, in)), Conv::backwardWeight));
    }

    private static Shape image(Conv2dBackwardData op, List<TensorType> in) {
        return Shape.of(in.get(0).shape().dim(0), op.h(), op.w(), in.get(1).shape().dim(3) * op.groups());
    }

    private static Shape weight(Conv2dBackwardWeight op, List<TensorType> in) {
        return Shape.of(in.get(1).shape().dim(3), op.r(), op.s(), in.get(0).shape().dim(3) / op.groups());
    }

    private static ConvShape shape(Convolution op, Shape x, Shape w) {
        Window win = op.window();
        return new ConvShape(x.intDim(0), x.intDim(1), x.intDim(2), x.intDim(3), w.intDim(0), w.intDim(1), w.intDim(2),
                win.strideH(), win.strideW(), win.top(), win.bottom(), win.left(), win.right(), win.dilationH(), win.dilationW(), op.groups());
    }

    /** Makes a plan of one direction. */
    private interface Planner {
        Conv plan(ConvShape shape, Workers workers, Simd simd);
    }

    private record Convolve<O extends Op>(BiFunction<O, List<TensorType>, ConvShape> shape, Planner planner) implements CpuKernel<O> {
        private Conv plan(O op, List<TensorType> in, Team team) {
            return planner.plan(shape.apply(op, in), team.workers(), team.simd());
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            return plan(op, in, team).workspaceBytes();
        }

        @Override
        public Launch bind(O op, Call call) {
            Conv conv = plan(op, call.in().stream().map(v -> v.type()).toList(), call.team());
            long first = call.in(0);
            long second = call.in(1);
            long out = call.out(0);
            long workspace = call.workspace();
            return () -> conv.run(first, second, out, workspace);
        }
    }

    private record Product() implements CpuKernel<MatMul> {
        private static Gemm plan(MatMul op, List<TensorType> in, Team team) {
            Shape a = in.get(0).shape();
            Shape b = in.get(1).shape();
            int m = a.intDim(op.transposeA() ? 1 : 0);
            int k = a.intDim(op.transposeA() ? 0 : 1);
            int n = b.intDim(op.transposeB() ? 0 : 1);
            return new Gemm(Gemm.Spec.dense(m, n, k, op.transposeA(), op.transposeB()), team.workers(), team.simd());
        }

        @Override
        public long workspace(MatMul op, List<TensorType> in, Team team) {
            return plan(op, in, team).workspaceBytes();
        }

        @Override
        public Launch bind(MatMul op, Call call) {
            Gemm gemm = plan(op, call.in().stream().map(v -> v.type()).toList(), call.team());
            long a = call.in(0);
            long b = call.in(1);
            long c = call.out(0);
            long workspace = call.workspace();
            return () -> gemm.run(a, b, c, workspace);
        }
    }
}
