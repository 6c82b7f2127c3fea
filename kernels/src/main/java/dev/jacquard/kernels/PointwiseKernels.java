package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** All pointwise ops: a symbol of its name per op and element type, for operands in any layout. */
final class PointwiseKernels implements CudaKernel<Pointwise> {
    private static final PointwiseKernels INSTANCE = new PointwiseKernels();
    private static final Set<DType> FLOATS = EnumSet.of(DType.F32, DType.F16, DType.BF16);
    private static final List<Pointwise> UNARY = List.of(new Pointwise.Affine(2, 1), new Pointwise.Exp(), new Pointwise.Log(), new Pointwise.Sqrt(), new Pointwise.Rsqrt(),
            new Pointwise.Abs(), new Pointwise.Sign(), new Pointwise.Relu(), new Pointwise.Sigmoid(), new Pointwise.Tanh(), new Pointwise.Silu(), new Pointwise.Hardswish(),
            new Pointwise.RoundTf32());
    /** {@link Pointwise#INTEGER}. */
    private static final List<Pointwise> NUMERIC = List.of(new Pointwise.Add(), new Pointwise.Sub(), new Pointwise.Mul(), new Pointwise.Max(), new Pointwise.Min(),
            new Pointwise.Greater(), new Pointwise.Equal());
    private static final List<Pointwise> BINARY = List.of(new Pointwise.Div(), new Pointwise.ReluBackward(), new Pointwise.SiluBackward(), new Pointwise.SigmoidBackward());
    private static final List<Pointwise> TERNARY = List.of(new Pointwise.MulAdd(), new Pointwise.Select());

    private PointwiseKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        Map<Class<? extends Op>, CudaKernel<?>> rows = new HashMap<>();
        List.of(UNARY, NUMERIC, BINARY, TERNARY).forEach(ops -> ops.forEach(op -> rows.put(op.getClass(), INSTANCE)));
        return rows;
    }

    /**
     * What the kernels are measured on: every op on whole maps, and the broadcasts that networks are full of. @param batch images per batch: 1 or 2 to count, 64 or more to time
     */
    static List<Workload> workloads(long batch) {
        long[] map = {batch, 56, 56, 64};
        long n = Shape.of(map).size();
        List<Workload> all = new ArrayList<>();
        UNARY.forEach(op -> all.add(new Workload("pointwise_unary", Sample.of(op, Operand.range(0.1, 1, map)), Map.of("x", n, "n", n))));
        for (List<Pointwise> ops : List.of(NUMERIC, BINARY)) {
            ops.forEach(op -> all.add(new Workload("pointwise_binary", Sample.of(op, Operand.of(map), Operand.range(0.1, 1, map)), Map.of("a", n, "b", n, "n", n))));
        }
        TERNARY.forEach(op -> all.add(new Workload("pointwise_ternary", Sample.of(op, Operand.of(map), Operand.of(map), Operand.of(map)), Map.of("a", n, "b", n, "c", n, "n", n))));
        all.add(new Workload("pointwise_binary", Sample.of(new Pointwise.Add(), Operand.of(map), Operand.of(64)), Map.of("a", n, "b", 64L, "n", n)));
        all.add(new Workload("pointwise_binary", Sample.of(new Pointwise.Mul(), Operand.of(map), Operand.of(batch, 1, 1, 64)), Map.of("a", n, "b", batch * 64, "n", n)));
        all.add(new Workload("pointwise_ternary", Sample.of(new Pointwise.MulAdd(), Operand.of(map), Operand.of(64), Operand.of(64)), Map.of("a", n, "b", 64L, "c", 64L, "n", n)));
        return List.copyOf(all);
    }

    @Override
    public boolean takes(Pointwise op, List<TensorType> in) {
        DType type = in.getFirst().dtype();
        return FLOATS.contains(type) || type == DType.I32 && Pointwise.INTEGER.contains(op.getClass());
    }

    @Override
    public boolean reads(int input, Layout layout) {
        return true;
    }

    @Override
    public CudaLaunch bind(Pointwise op, Call call) {
        Shape shape = call.outShape(0);
        List<Layout> layouts = new ArrayList<>();
        call.in().forEach(v -> layouts.add(v.layout().broadcastTo(shape)));
        layouts.add(call.out().getFirst().layout());
        return call.sequence(LoopNest.of(shape, layouts).pieces().stream().map(piece -> launch(op, call, piece)).toArray(CudaLaunch[]::new));
    }

    private static CudaLaunch launch(Pointwise op, Call call, LoopNest nest) {
        DType type = call.out().getFirst().dtype();
        int pack = 16 / type.bytes();
        KernelLaunch.Builder b = call.launch("pointwise_" + List.of("unary", "binary", "ternary").get(op.arity() - 1), op.name(), type)
                .grid(Call.blocks(nest.size(), (long) Call.BLOCK * pack))
                .block(Call.BLOCK);
        for (int i = 0; i < op.arity(); i++) {
            b.pointer(call.in(i) + nest.offsets()[i] * type.bytes());
        }
        b.pointer(call.out(0) + nest.offsets()[op.arity()] * type.bytes()).struct(nest.struct(op.arity(), packs(op, call, nest, pack) ? pack : 1));
        if (op instanceof Pointwise.Affine affine) {
            b.f32(affine.scale()).f32(affine.shift());
        }
        return b.build();
    }

    /** Whether all operands lie in packs, or repeat one element along the innermost loop. */
    private static boolean packs(Pointwise op, Call call, LoopNest nest, int pack) {
        for (int o = 0; o < op.arity(); o++) {
            if (nest.step(o) != 0 && !nest.packed(o, pack, call.in(o), 16)) {
                return false;
            }
        }
        return nest.packed(op.arity(), pack, call.out(0), 16);
    }
}
