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
 * other than F32, the op's own meaning in doubles, an element at a time. Halves go through that loop too, in blocks that are widened before and rounded after and stay in the first
 * cache.
 */
final class PointwiseKernels implements CpuKernel<Pointwise> {
    static final PointwiseKernels INSTANCE = new PointwiseKernels();

    /** Elements of a block of halves, and how many blocks a thread holds: three operands and the result. */
    private static final int BLOCK = 1024;
    private static final int BLOCKS = 4;

    /** Rows below this many elements are joined if they can be. */
    private static final int SHORT = 64;

    private PointwiseKernels() {}

    @Override
    public boolean takes(Pointwise op, List<TensorType> in) {
        return true;
    }

    @Override
    public long workspace(Pointwise op, List<TensorType> in, Team team) {
        if (HalfAdaptor.half(in.getFirst().dtype())) {
            return 4L * BLOCKS * BLOCK * team.workers().size();
        }
        return broadcasts(in) ? 4L * BLOCK * in.size() : 0;
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
        DType type = call.in().getFirst().dtype();
        boolean rows = (type == DType.F32 || HalfAdaptor.half(type)) && java.util.Arrays.stream(nest.innerStrides()).allMatch(step -> step <= 1);
        PointwiseLoop loop = rows ? call.team().simd().pointwise(op) : null;
        if (loop == null) {
            return slow(op, call, nest);
        }
        if (type != DType.F32) {
            return halves(call, nest, loop, type);
        }
        return broadcasts(call.in().stream().map(v -> v.type()).toList()) && shortRows(nest) ? repeated(call, nest, loop) : fast(call, nest, loop);
    }

    /** Whether some operand is smaller than another: only then is there a workspace for {@link #repeated}. */
    private static boolean broadcasts(List<TensorType> in) {
        return in.stream().anyMatch(t -> !t.shape().equals(in.getFirst().shape()));
    }

    /**
     * Whether there is one outer loop over rows so short that calls would cost more than they do, with operands that either go on from row to row or are the same in all of them.
     */
    private static boolean shortRows(Strided nest) {
        return nest.dims().length == 1 && nest.inner() < SHORT && java.util.stream.IntStream.range(0, nest.strides().length)
                .allMatch(o -> nest.strides()[o][0] == 0 || nest.strides()[o][0] == nest.inner() && nest.innerStrides()[o] == 1);
    }

    /** Many rows as one: operands that are the same in all rows are written down as often as a block has rows. Images of three channels times numbers per channel, for one. */
    private static Launch repeated(Call call, Strided nest, PointwiseLoop loop) {
        int arity = call.in().size();
        int inner = (int) nest.inner();
        long rows = nest.outer();
        int atOnce = (int) Math.min(rows, BLOCK / inner);
        long[] from = new long[3];
        long[] steps = new long[3];
        boolean[] same = new boolean[3];
        for (int o = 0; o < 3; o++) {
            int input = Math.min(o, arity - 1);
            steps[o] = nest.innerStrides()[input];
            same[o] = nest.strides()[input][0] == 0;
            from[o] = same[o] && steps[o] == 1 ? call.workspace() + 4L * BLOCK * input : call.in(input);
        }
        long y = call.out(0);
        Launch all = call.parallel((rows + atOnce - 1) / atOnce, (long) atOnce * inner * (arity + 1), (first, end) -> {
            for (long i = first; i < end; i++) {
                long at = 4 * i * atOnce * inner;
                loop.run(from[0] + (same[0] ? 0 : at), steps[0], from[1] + (same[1] ? 0 : at), steps[1], from[2] + (same[2] ? 0 : at), steps[2], y + at,
                        Math.min(atOnce, rows - i * atOnce) * inner);
            }
        });
        Simd simd = call.team().simd();
        long[] source = new long[arity];
        java.util.Arrays.setAll(source, call::in);
        return () -> {
            for (int o = 0; o < arity; o++) {
                if (same[o] && steps[o] == 1) {
                    simd.copyRows(atOnce, inner, source[o], 0, from[o], 4L * inner);
                }
            }
            all.run();
        };
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

    private static Launch halves(Call call, Strided nest, PointwiseLoop loop, DType half) {
        int arity = call.in().size();
        long inner = nest.inner();
        long cut = nest.outer() == 1 ? BLOCK : inner;
        long pieces = (inner + cut - 1) / cut;
        long[] from = new long[arity];
        java.util.Arrays.setAll(from, call::in);
        Blocks blocks = new Blocks(call.team().simd(), half, loop, from, nest.innerStrides());
        long out = call.out(0);
        return call.parallel(nest.outer() * pieces, Math.min(cut, inner) * (arity + 1), (a, b, worker) -> {
            long scratch = call.workspace() + 4L * BLOCKS * BLOCK * worker;
            for (long i = a; i < b; i++) {
                long row = i / pieces;
                long end = Math.min(inner, (i % pieces + 1) * cut);
                for (long at = i % pieces * cut; at < end; at += BLOCK) {
                    blocks.run(nest, row, at, (int) Math.min(BLOCK, end - at), out, scratch);
                }
            }
        });
    }

    /** A pointwise op on blocks of halves. @param from addresses of the operands @param steps their strides in the innermost loop, 0 or 1 */
    private record Blocks(Simd simd, DType half, PointwiseLoop loop, long[] from, long[] steps) {
        /** Does n elements of an outer iteration. */
        private void run(Strided nest, long row, long at, int n, long out, long scratch) {
            int arity = from.length;
            for (int o = 0; o < arity; o++) {
                simd.widen(half, 1, steps[o] == 0 ? 1 : n, from[o] + 2 * (nest.offset(o, row) + at * steps[o]), 0, block(scratch, o), 0);
            }
            int second = Math.min(1, arity - 1);
            long y = block(scratch, BLOCKS - 1);
            loop.run(scratch, steps[0], block(scratch, second), steps[second], block(scratch, arity - 1), steps[arity - 1], y, n);
            simd.narrow(half, 1, n, y, 0, out + 2 * (nest.offset(arity, row) + at), 0);
        }

        private static long block(long scratch, int i) {
            return scratch + 4L * BLOCK * i;
        }
    }

    private static Launch slow(Pointwise op, Call call, Strided nest) {
        int arity = call.in().size();
        DType type = call.in().getFirst().dtype();
        boolean half = HalfAdaptor.half(type); // computed in F32 on every path
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
                    double value = op.apply(Raw.get(pa + size * j * step[0], type), Raw.get(pb + size * j * step[second], type), Raw.get(pc + size * j * step[third], type));
                    Raw.set(py + size * j * step[arity], type, half ? (float) value : value);
                }
            }
        });
    }
}
