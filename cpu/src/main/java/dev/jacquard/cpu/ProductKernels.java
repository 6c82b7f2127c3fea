package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.EmittedConvolutions;
import dev.jacquard.cpu.x64.EmittedProduct;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataStatistics;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataSum;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.GatedConvolution;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;

/** Matrix products and convolutions bound to ops: emitted kernels where there are any, else {@link Gemm} and {@link Conv}. */
final class ProductKernels {
    private ProductKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(
                MatMul.class, new Product(),
                MatMulShift.class, new FusedProductOfMatrices(),
                Conv2d.class, new Convolve<Conv2d>((op, in) -> shape(op, in.get(0).shape(), in.get(1).shape()),
                        (shape, set, workers) -> EmittedConvolutions.forward(shape, Epilogue.NONE, workers, set), Conv::forward),
                ConvolutionScaleShift.class, new Fused<ConvolutionScaleShift>(),
                ConvolutionStatistics.class, new Fused<ConvolutionStatistics>(),
                GatedConvolution.class, new Fused<GatedConvolution>(),
                BackwardDataSum.class, new Fused<BackwardDataSum>((op, _) -> op.groups() == 1), // shortcuts do not meet others in networks
                BackwardDataStatistics.class, new Fused<BackwardDataStatistics>(ProductKernels::sums),
                Conv2dBackwardData.class, new Convolve<Conv2dBackwardData>((op, in) -> shape(op, image(op, in), in.get(1).shape()),
                        (shape, set, workers) -> EmittedConvolutions.backwardData(shape, workers, set), Conv::backwardData),
                Conv2dBackwardWeight.class, new WeightGradient());
    }

    static Shape image(Conv2dBackwardData op, List<TensorType> in) {
        return Shape.of(in.get(0).shape().dim(0), op.h(), op.w(), in.get(1).shape().dim(3) * op.groups());
    }

    /**
     * Whether it pays: where a shortcut's gradient is added, images are the block's wide ones, which come from memory each time. What comes from a convolution alone is mostly in
     * the third-level cache when the normalisation sums it up, so that a pass of its own costs less than images read beside the product (measured: ResNet-50, batch 16).
     */
    private static boolean sums(BackwardDataStatistics op, List<TensorType> in) {
        return op.residual() && EmittedConvolutions.sumsGradients(shape(op.product(), image(op.product(), in), in.get(1).shape()));
    }

    private static Shape weight(Conv2dBackwardWeight op, List<TensorType> in) {
        return Shape.of(in.get(1).shape().dim(3), op.r(), op.s(), in.get(0).shape().dim(3) / op.groups());
    }

    static ConvShape shape(Convolution op, Shape x, Shape w) {
        Window win = op.window();
        return new ConvShape(x.intDim(0), x.intDim(1), x.intDim(2), x.intDim(3), w.intDim(0), w.intDim(1), w.intDim(2),
                win.strideH(), win.strideW(), win.top(), win.bottom(), win.left(), win.right(), win.dilationH(), win.dilationW(), op.groups());
    }

    /** Makes a portable plan of one direction. */
    private interface Portable {
        Conv plan(ConvShape shape, Workers workers, Simd simd);
    }

    /** Makes an emitted plan of one direction. */
    private interface Emitted {
        PackedConv plan(ConvShape shape, InstructionSet set, Workers workers);
    }

    /** A convolution by images or by their gradients; weights are packed at every run. */
    private record Convolve<O extends Op>(BiFunction<O, List<TensorType>, ConvShape> shape, Emitted emitted, Portable portable) implements CpuKernel<O> {
        private Optional<PackedConv> packed(ConvShape shape, Team team) {
            return team.code().map(set -> emitted.plan(shape, set, team.workers()));
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            ConvShape s = shape.apply(op, in);
            return packed(s, team).map(ProductKernels::workspaceWithWeights).orElseGet(() -> portable.plan(s, team.workers(), team.simd()).workspaceBytes());
        }

        @Override
        public Launch bind(O op, Call call) {
            ConvShape s = shape.apply(op, types(call));
            Optional<PackedConv> packed = packed(s, call.team());
            if (packed.isPresent()) {
                return packing(packed.get(), op, call);
            }
            long first = call.in(0);
            long second = call.in(1);
            long out = call.out(0);
            long workspace = call.workspace();
            Conv conv = portable.plan(s, call.team().workers(), call.team().simd());
            return () -> conv.run(first, second, out, workspace);
        }
    }

    static List<TensorType> types(Call call) {
        return call.in().stream().map(View::type).toList();
    }

    private static long workspaceWithWeights(PackedConv conv) {
        return Raw.align(conv.packedBytes()) + conv.workspaceBytes();
    }

    /**
     * A product with its epilogue; weights are packed at every run. Emitted only: elsewhere a pass over the result is as good.
     *
     * @param kernels whether there are kernels for an op of operands
     */
    private record Fused<O extends Op>(BiPredicate<O, List<TensorType>> kernels) implements CpuKernel<O> {
        Fused() {
            this((_, _) -> true);
        }

        @Override
        public boolean runsOn(Team team) {
            return team.code().isPresent();
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return CpuKernel.super.takes(op, in) && kernels.test(op, in);
        }

        @Override
        public long workspace(O op, List<TensorType> in, Team team) {
            return workspaceWithWeights(PackedKernels.plan(op, in, team).orElseThrow());
        }

        @Override
        public Launch bind(O op, Call call) {
            return packing(PackedKernels.plan(op, types(call), call.team()).orElseThrow(), op, call);
        }
    }

    /** Packs the weights, the second operand, into the workspace's beginning, and multiplies. */
    private static Launch packing(PackedConv conv, Op op, Call call) {
        long weight = call.in(1);
        long packed = call.workspace();
        Launch product = PackedKernels.launch(conv, op, call, packed, packed + Raw.align(conv.packedBytes()));
        return () -> {
            conv.pack(weight, packed);
            product.run();
        };
    }

    private record WeightGradient() implements CpuKernel<Conv2dBackwardWeight> {
        private static Conv plan(Conv2dBackwardWeight op, List<TensorType> in, Team team) {
            ConvShape s = shape(op, in.get(0).shape(), weight(op, in));
            return team.code().flatMap(set -> EmittedConvolutions.backwardWeight(s, team.workers(), set)).orElseGet(() -> Conv.backwardWeight(s, team.workers(), team.simd()));
        }

        @Override
        public long workspace(Conv2dBackwardWeight op, List<TensorType> in, Team team) {
            return plan(op, in, team).workspaceBytes();
        }

        @Override
        public Launch bind(Conv2dBackwardWeight op, Call call) {
            Conv conv = plan(op, types(call), call.team());
            long x = call.in(0);
            long dy = call.in(1);
            long dw = call.out(0);
            long workspace = call.workspace();
            return () -> conv.run(x, dy, dw, workspace);
        }
    }

    /** Sizes of a product of matrices. */
    private static EmittedProduct.Spec sizes(MatMul op, List<TensorType> in) {
        Shape a = in.get(0).shape();
        Shape b = in.get(1).shape();
        return new EmittedProduct.Spec(a.intDim(op.transposeA() ? 1 : 0), b.intDim(op.transposeB() ? 0 : 1), a.intDim(op.transposeA() ? 0 : 1), op.transposeA(), op.transposeB());
    }

    private record Product() implements CpuKernel<MatMul> {
        private static Optional<EmittedProduct> emitted(MatMul op, List<TensorType> in, Team team) {
            return team.code().flatMap(set -> EmittedProduct.of(sizes(op, in), Epilogue.NONE, team.workers(), set));
        }

        private static Optional<Conv> transposed(MatMul op, List<TensorType> in, Team team) {
            return team.code().flatMap(set -> EmittedProduct.transposed(sizes(op, in), team.workers(), set));
        }

        private static Gemm portable(MatMul op, List<TensorType> in, Team team) {
            EmittedProduct.Spec s = sizes(op, in);
            return new Gemm(Gemm.Spec.dense(s.m(), s.n(), s.k(), s.transposeA(), s.transposeB()), team.workers(), team.simd());
        }

        @Override
        public long workspace(MatMul op, List<TensorType> in, Team team) {
            return transposed(op, in, team).map(Conv::workspaceBytes)
                    .or(() -> emitted(op, in, team).map(EmittedProduct::workspaceBytes))
                    .orElseGet(() -> portable(op, in, team).workspaceBytes());
        }

        @Override
        public Launch bind(MatMul op, Call call) {
            long a = call.in(0);
            long b = call.in(1);
            long c = call.out(0);
            long workspace = call.workspace();
            Optional<Conv> transposed = transposed(op, types(call), call.team());
            if (transposed.isPresent()) {
                Conv product = transposed.get();
                return () -> product.run(b, a, c, workspace);
            }
            Optional<EmittedProduct> emitted = emitted(op, types(call), call.team());
            if (emitted.isPresent()) {
                EmittedProduct product = emitted.get();
                return () -> product.run(a, b, 0, 0, 0, c, workspace);
            }
            Gemm gemm = portable(op, types(call), call.team());
            return () -> gemm.run(a, b, c, workspace);
        }
    }

    /** A product with its epilogue: emitted only. */
    private record FusedProductOfMatrices() implements CpuKernel<MatMulShift> {
        @Override
        public boolean runsOn(Team team) {
            return team.code().isPresent();
        }

        private static Optional<EmittedProduct> plan(MatMulShift op, List<TensorType> in, Team team) {
            Epilogue epilogue = new Epilogue(false, true, false, op.activation());
            return EmittedProduct.of(sizes(op.product(), in), epilogue, team.workers(), team.code().orElseThrow());
        }

        @Override
        public long workspace(MatMulShift op, List<TensorType> in, Team team) {
            return plan(op, in, team).map(EmittedProduct::workspaceBytes).orElse(0L); // no rows
        }

        @Override
        public Launch bind(MatMulShift op, Call call) {
            EmittedProduct product = plan(op, types(call), call.team()).orElseThrow();
            long a = call.in(0);
            long b = call.in(1);
            long shift = call.in(2);
            long c = call.out(0);
            long workspace = call.workspace();
            return () -> product.run(a, b, 0, shift, 0, c, workspace);
        }
    }
}
