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
 * All pointwise ops: the loop nest is found here once, the innermost loop is the op's row in {@link PointwiseLoops}, or, for ops without one and for element types
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
        PointwiseLoops.Loop loop = call.in().getFirst().dtype() == DType.F32 ? PointwiseLoops.of(op, call.team().simd(), nest.innerStrides()) : null;
        return loop != null ? fast(call, nest, loop) : slow(op, call, nest);
    }

    private static Launch fast(Call call, Strided nest, PointwiseLoops.Loop loop) {
        int arity = call.in().size();
        long a = call.in(0);
        long b = arity > 1 ? call.in(1) : 0;
        long c = arity > 2 ? call.in(2) : 0;
        long y = call.out(0);
        long[] step = nest.innerStrides();
        long stepA = 4 * step[0];
        long stepB = arity > 1 ? 4 * step[1] : 0;
        long stepC = arity > 2 ? 4 * step[2] : 0;
        if (nest.outer() == 1) {
            return call.parallel(nest.inner(), arity + 1, (from, to) -> loop.run(a + from * stepA, b + from * stepB, c + from * stepC, y + 4 * from, to - from));
        }
        long inner = nest.inner();
        return call.parallel(nest.outer(), inner * (arity + 1), (from, to) -> {
            for (long i = from; i < to; i++) {
                loop.run(a + 4 * nest.offset(0, i), arity > 1 ? b + 4 * nest.offset(1, i) : 0, arity > 2 ? c + 4 * nest.offset(2, i) : 0,
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
