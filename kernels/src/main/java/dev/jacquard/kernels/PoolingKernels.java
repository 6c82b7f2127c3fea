package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Pooling, a thread per pack of channels of one result, or of a run of a row of results where those are images. */
final class PoolingKernels {
    private static final String MODULE = "pooling";
    /** Channels of a pack where taps are read or written a result at a time. */
    private static final int PACK = 4;
    /** Neighbouring pixels of an image that a thread makes: COLUMNS of pooling.cu. */
    private static final int COLUMNS = 4;

    private PoolingKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Pooling.MaxPool2d.class, new Pooled<Pooling.MaxPool2d>("max_pool", false, PACK),
                Pooling.MaxPool2dBackward.class, new Pooled<Pooling.MaxPool2dBackward>("max_pool_backward", true, 0),
                Pooling.MaxPool2dGather.class, new Pooled<Pooling.MaxPool2dGather>("max_pool_gather", false, PACK),
                Pooling.AvgPool2d.class, new Pooled<Pooling.AvgPool2d>("avg_pool", false, 0),
                Pooling.AvgPool2dBackward.class, new Pooled<Pooling.AvgPool2dBackward>("avg_pool_backward", true, 0));
    }

    /**
     * A kind of pooling.
     *
     * @param symbol of its kernel
     * @param backward whether the result is an image
     * @param pack channels of a thread; 0 for 16 bytes of them
     */
    private record Pooled<O extends Pooling>(String symbol, boolean backward, int pack) implements CudaKernel<O> {
        @Override
        public boolean takes(O op, List<TensorType> in) {
            return in.getFirst().dtype().isFloating() && CudaKernel.super.takes(op, in)
                    && in.stream().allMatch(t -> t.shape().size() / Math.max(1, t.shape().dim(0)) <= Integer.MAX_VALUE);
        }

        @Override
        public CudaLaunch bind(O op, Call call) {
            Shape image = backward ? call.outShape(0) : call.inShape(0);
            Shape outputs = backward ? call.inShape(0) : call.outShape(0);
            DType type = call.in().getFirst().dtype();
            long c = image.dim(3);
            long places = backward ? Math.ceilDiv(image.dim(2), COLUMNS) : outputs.dim(2);
            int width = pack > 0 ? pack : 16 / type.bytes();
            long packs = c % width == 0 ? c / width : c;
            long blocks = Call.blocks((backward ? image : outputs).dim(1) * places * packs, Call.BLOCK);
            Window w = op.window();
            KernelLaunch.Builder b = call.launch(MODULE, symbol, type).grid(image.dim(0) * blocks).block(Call.BLOCK);
            call.in().forEach(v -> b.pointer(Call.address(v)));
            call.out().forEach(v -> b.pointer(Call.address(v)));
            IntStream extents = LongStream.of(image.dim(1), image.dim(2), c, outputs.dim(1), outputs.dim(2), op.r(), op.s(), w.top(), w.left(), countPadding(op) ? 1 : 0)
                    .mapToInt(Math::toIntExact);
            IntStream divisors = LongStream.of(blocks, packs, places, w.strideH(), w.strideW()).mapToObj(Divisor::of)
                    .flatMapToInt(d -> IntStream.of(d.divisor(), d.multiplier(), d.shift()));
            return b.struct(MemorySegment.ofArray(IntStream.concat(extents, divisors).toArray())).build();
        }

        private static boolean countPadding(Pooling op) {
            return op instanceof Pooling.AvgPool2d a && a.countPadding() || op instanceof Pooling.AvgPool2dBackward b && b.countPadding();
        }
    }

    /** What the kernels are measured on: a stem's pooling, and the pooling of a shortcut. */
    static List<Workload> workloads(long batch) {
        Window stem = Window.of(2, 1);
        Window half = Window.of(2, 0);
        Operand image = Operand.distinct(batch, 112, 112, 64);
        Operand pooled = Operand.of(batch, 56, 56, 64);
        Operand taps = Operand.integers(DType.I32, 4, 9, batch, 56, 56, 64);
        Map<String, Long> sizes = Map.of("n", batch, "h", 112L, "w", 112L, "c", 64L, "oh", 56L, "ow", 56L);
        return List.of(
                new Workload(MODULE, Sample.of(new Pooling.MaxPool2d(3, 3, stem), image), sizes),
                new Workload(MODULE, Sample.of(new Pooling.MaxPool2dBackward(3, 3, stem, 112, 112), pooled, taps), sizes),
                new Workload(MODULE, Sample.of(new Pooling.MaxPool2dGather(3, 3, stem), image, taps), sizes),
                new Workload(MODULE, Sample.of(new Pooling.AvgPool2d(2, 2, half, true), image), sizes),
                new Workload(MODULE, Sample.of(new Pooling.AvgPool2dBackward(2, 2, half, true, 112, 112), pooled), sizes));
    }
}
