package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.op.Pointwise;
import java.util.ArrayList;
import java.util.List;

/**
 * All pointwise ops: the loop nest is found here once, the innermost loop is the op's row in the table behind {@link Simd#pointwise}, or, for ops without one and for element types
 * other than F32, the op's own meaning in doubles, an element at a time.
 */
final class PointwiseKernels implements CpuKernel<Pointwise> {
    static final PointwiseKernels INSTANCE = new PointwiseKernels();

    private PointwiseKernels() {}

    @Override
    public boolean takes(Pointwise op, List<TensorType> in) {
        return in.stream().noneMatch(t -> HalfAdaptor.half(t.dtype()));
    }

    @Override
    public boolean reads(int input, Layout layout) {
        return true;
    }

    @Override
    public Launch bind(Pointwise op, Call call) {
        Shape shape = call.outShape(0);
        List<Layout> layouts = new ArrayList<>();
        call.in().forEach(v -> layouts.add(v.layout().broadcastTo(shape)));
        layouts.add(call.out().getFirst().layout());
        Strided nest = Strided.of(shape, layouts);
        boolean floats = call.in().getFirst().dtype() == DType.F32 && java.util.Arrays.stream(nest.innerStrides()).allMatch(step -> step <= 1);
        PointwiseLoop loop = floats ? call.team().simd().pointwise(op) : null;
        return loop != null ? fast(call, nest, loop) : slow(op, call, nest);
    }

    private static Launch fast(Call call, Strided nest, PointwiseLoop loop) {
        int arity = call.in().size();
        int second = Math.min(1, arity - 1);
        int third = arity - 1;
        long a = call.in(0);
        long b = call.in(second);
        long c = call.in(third);
        long y = call.out(0);
        long stepA = nest.innerStrides()[0];
        long stepB = nest.innerStrides()[second];
        long stepC = nest.innerStrides()[third];
        long inner = nest.inner();
        if (nest.outer() == 1) {
            return call.parallel(inner, arity + 1, (from, to) ->
                    loop.run(a + 4 * from * stepA, stepA, b + 4 * from * stepB, stepB, c + 4 * from * stepC, stepC, y + 4 * from, to - from));
        }
        return call.parallel(nest.outer(), inner * (arity + 1), (from, to) -> {
            for (long i = from; i < to; i++) {
                loop.run(a + 4 * nest.offset(0, i), stepA, b + 4 * nest.offset(second, i), stepB, c + 4 * nest.offset(third, i), stepC,
                        y + 4 * nest.offset(arity, i), inner);
            }
        });
    }

    private static Launch slow(Pointwise op, Call call, Strided nest) {
        int arity = call.in().size();
        DType type = call.in().getFirst().dtype();
        int size = type.bytes();
        long a = call.in(0);
        long b = call.in(Math.min(1, arity - 1));
        long c = call.in(arity - 1);
        long y = call.out(0);
        int second = Math.min(1, arity - 1);
        int third = arity - 1;
        long[] step = nest.innerStrides();
        return call.parallel(nest.outer(), nest.inner() * (arity + 1), (from, to) -> {
            for (long i = from; i < to; i++) {
                long pa = a + size * nest.offset(0, i);
                long pb = b + size * nest.offset(second, i);
                long pc = c + size * nest.offset(third, i);
                long py = y + size * nest.offset(arity, i);
                for (long j = 0; j < nest.inner(); j++) {
                    Raw.set(py + size * j * step[arity], type, op.apply(Raw.get(pa + size * j * step[0], type),
                            Raw.get(pb + size * j * step[second], type), Raw.get(pc + size * j * step[third], type)));
                }
            }
        });
    }
}
