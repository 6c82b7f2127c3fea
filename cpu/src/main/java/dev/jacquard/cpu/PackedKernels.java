package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.EmittedConvolutions;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.Prepacking;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataStatistics;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataSum;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.GatedConvolution;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.QuantizedProduct;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Products over weights that were packed when the plan was made: emitted kernels only. */
final class PackedKernels {
    private PackedKernels() {}

    static Map<Class<? extends Op>, CpuKernel<?>> rows() {
        return Map.of(PackedProduct.Weights.class, new PackWeights(), PackedProduct.class, new Multiply());
    }

    /** How a product on weights that stay is computed. */
    static Optional<Prepacking> of(Op op, List<TensorType> in, CpuKernel.Team team) {
        boolean bytes = op instanceof QuantizedProduct q && !HalfAdaptor.half(q.to());
        if (in.size() < 2 || in.stream().anyMatch(t -> t.dtype() != DType.F32 && !(bytes && t.dtype() == DType.I8) || t.shape().size() == 0)) {
            return Optional.empty();
        }
        return plan(op, in, team).map(conv -> new Prepacking(1, new PackedProduct.Weights(op, List.copyOf(in), (conv.packedBytes() + 3) / 4), new PackedProduct(op, in.get(1))));
    }

    /** Empty for ops that are no products of images and weights in rows, and without emitted code. */
    static Optional<PackedConv> plan(Op op, List<TensorType> in, CpuKernel.Team team) {
        Shape a = in.get(0).shape();
        Shape b = in.get(1).shape();
        return team.code().flatMap(set -> switch (op) {
            case Conv2d c -> Optional.of(EmittedConvolutions.forward(ProductKernels.shape(c, a, b), Epilogue.NONE, team.workers(), set));
            case ConvolutionScaleShift c -> Optional.of(EmittedConvolutions.forward(ProductKernels.shape(c.product(), a, b),
                    new Epilogue(true, true, c.residual(), c.activation()), team.workers(), set));
            case GatedConvolution c -> Optional.of(EmittedConvolutions.gated(ProductKernels.shape(c.product(), a, b), new Epilogue(true, true, c.residual(), c.activation()),
                    team.workers(), set));
            case ConvolutionStatistics c -> Optional.of(EmittedConvolutions.forward(ProductKernels.shape(c.product(), a, b), Epilogue.STATISTICS, team.workers(), set));
            case BackwardDataSum d -> Optional.of(EmittedConvolutions.backwardData(ProductKernels.shape(d.product(), ProductKernels.image(d.product(), in), b),
                    Epilogue.ofGradient(d.rectified()), team.workers(), set));
            case BackwardDataStatistics d -> Optional.of(EmittedConvolutions.backwardData(ProductKernels.shape(d.product(), ProductKernels.image(d.product(), in), b),
                    Epilogue.ofNormalised(d.residual(), d.rectifier()), team.workers(), set));
            case MatMul m when !m.transposeA() && m.transposeB() -> Optional.of(EmittedConvolutions.forward(rows(a, b), Epilogue.NONE, team.workers(), set));
            case MatMulShift m when !m.transposeA() && m.transposeB() ->
                    Optional.of(EmittedConvolutions.forward(rows(a, b), new Epilogue(false, true, false, m.activation()), team.workers(), set));
            case QuantizedProduct q -> Optional.of(QuantizedKernels.plan(q, in, team));
            default -> Optional.<PackedConv>empty();
        });
    }

    /** (M, K) times (N, K) transposed, as a convolution of M images of one pixel. */
    private static ConvShape rows(Shape a, Shape b) {
        return new ConvShape(a.intDim(0), 1, 1, a.intDim(1), b.intDim(0), 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1);
    }

    /**
     * Which of an op's operands are whose; -1 for none. What else there is goes by {@link PackedConv#beside}.
     *
     * @param scale per channel
     * @param shift per channel
     * @param residual what is added, which may be missing: it is the last operand then
     */
    private record Operands(int scale, int shift, int residual) {
        static final Operands NONE = new Operands(-1, -1, -1);

        private static long at(Call call, int i) {
            return i >= 0 && i < call.in().size() ? call.in(i) : 0;
        }
    }

    /**
     * A product of what an op's operands say.
     *
     * @param packed    the op's weights, packed: the second operand stands for them or is them
     * @param workspace the product's own
     */
    static Launch launch(PackedConv conv, Op op, Call call, long packed, long workspace) {
        Operands operands = switch (op) {
            case ConvolutionScaleShift _, QuantizedProduct _ -> new Operands(2, 3, 4);
            case GatedConvolution _ -> new Operands(2, 3, 5);
            case MatMulShift _ -> new Operands(-1, 2, -1);
            case BackwardDataSum _ -> new Operands(-1, -1, 2);
            case BackwardDataStatistics s when s.residual() -> new Operands(-1, -1, s.wholeImages());
            default -> Operands.NONE;
        };
        beside(conv, op, call);
        long x = call.in(0);
        long scale = Operands.at(call, operands.scale);
        long shift = Operands.at(call, operands.shift);
        long residual = Operands.at(call, operands.residual);
        long out = call.out(0);
        return () -> conv.run(x, packed, scale, shift, residual, out, workspace);
    }

    private static void beside(PackedConv conv, Op op, Call call) {
        switch (op) {
            case GatedConvolution _ -> conv.beside(new Beside.Gates(call.in(4)));
            case ConvolutionStatistics _ -> conv.beside(new Beside.Moments(call.out(1), call.out(2)));
            case BackwardDataSum s when s.rectified() -> conv.beside(new Beside.Rectified(call.in(3)));
            case BackwardDataStatistics s -> {
                boolean normalised = s.rectifier() == Rectifier.NORMALISED;
                conv.beside(new Beside.Normalised(call.in(2), call.in(3), call.in(4), normalised ? call.in(5) : 0, normalised ? call.in(6) : 0, s.eps(), call.out(1), call.out(2)));
                if (s.rectifier() == Rectifier.RESULT) {
                    conv.beside(new Beside.Rectified(call.in(call.in().size() - 1)));
                }
            }
            default -> { }
        }
    }

    private record PackWeights() implements CpuKernel<PackedProduct.Weights> {
        @Override
        public Launch bind(PackedProduct.Weights op, Call call) {
            PackedConv conv = plan(op.product(), op.inputs(), call.team()).orElseThrow();
            long from = call.in(0);
            long to = call.out(0);
            return () -> conv.pack(from, to);
        }
    }

    private record Multiply() implements CpuKernel<PackedProduct> {
        private static PackedConv conv(PackedProduct op, List<TensorType> in, Team team) {
            return plan(op.product(), op.plain(in), team).orElseThrow();
        }

        @Override
        public long workspace(PackedProduct op, List<TensorType> in, Team team) {
            return conv(op, in, team).workspaceBytes();
        }

        @Override
        public Launch bind(PackedProduct op, Call call) {
            return launch(conv(op, ProductKernels.types(call), call.team()), op.product(), call, call.in(1), call.workspace());
        }
    }
}
