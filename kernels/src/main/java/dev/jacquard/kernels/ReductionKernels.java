package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Sums, maxima, top-k and softmax. */
final class ReductionKernels {
    private static final int WARPS = Call.BLOCK / 32;
    /** Longest row that a warp takes which cannot keep it. */
    private static final long WARP_ROW = 256;
    /** Threads of a block whose warps keep a row each in registers, and the longest such row. */
    private static final int HOLDERS = 64;
    private static final long HELD = 1024;
    /** Longest row that a warp searches; as in extreme.cu. */
    private static final long WARP_SEARCH = 1024;

    private ReductionKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Reduction.Sum.class, new SumKernel(),
                Reduction.Amax.class, new Floating<Reduction.Amax>((op, call) -> extreme(op.axis(), call, call.out(0), 0)),
                Reduction.Argmax.class, new Floating<Reduction.Argmax>((op, call) -> extreme(op.axis(), call, 0, call.out(0))),
                Reduction.TopK.class, new Floating<Reduction.TopK>(ReductionKernels::topK),
                Reduction.Softmax.class, new Floating<Reduction.Softmax>((_, call) -> softmax(call, false)),
                Reduction.LogSoftmax.class, new Floating<Reduction.LogSoftmax>((_, call) -> softmax(call, true)));
    }

    /** A kernel that knows no integers. */
    private record Floating<O extends Op>(CudaKernel<O> kernel) implements CudaKernel<O> {
        @Override
        public CudaLaunch bind(O op, Call call) {
            return kernel.bind(op, call);
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return in.getFirst().dtype().isFloating() && kernel.takes(op, in);
        }
    }

    private static CudaLaunch extreme(int axis, Call call, long values, long places) {
        Shape x = call.inShape(0);
        int a = x.axis(axis);
        long outer = x.slice(0, a).size();
        long length = x.dim(a);
        long inner = x.slice(a + 1, x.rank()).size();
        long blocks = inner > 1 ? Call.blocks(outer * inner, Call.BLOCK) : length <= WARP_SEARCH ? Call.blocks(outer, WARPS) : outer;
        return call.launch("extreme", "extreme", dtype(call)).grid(blocks).block(Call.BLOCK)
                .pointer(call.in(0)).pointer(values).pointer(places).i64(outer).i32(length).i64(inner).build();
    }

    private static CudaLaunch topK(Reduction.TopK op, Call call) {
        long n = call.inShape(0).dim(-1);
        long rows = call.inShape(0).size() / n;
        return call.launch("extreme", "topk", dtype(call)).grid(Call.blocks(rows, WARPS)).block(Call.BLOCK)
                .pointer(call.in(0)).pointer(call.out(0)).pointer(call.out(1)).i64(rows).i32(n).i32(op.k()).build();
    }

    private static CudaLaunch softmax(Call call, boolean logarithm) {
        long n = call.inShape(0).dim(-1);
        long rows = call.inShape(0).size() / n;
        String symbol = held(n, dtype(call)) ? "softmax_held" : n <= WARP_ROW ? "softmax_warp" : "softmax_long";
        int block = held(n, dtype(call)) ? HOLDERS : Call.BLOCK;
        return call.launch("softmax", symbol, dtype(call)).grid(symbol.equals("softmax_long") ? rows : Call.blocks(rows, block / 32)).block(block)
                .pointer(call.in(0)).pointer(call.out(0)).i64(rows).i32(n).i32(logarithm ? 1 : 0).build();
    }

    /** Whether a row of n elements is one that a warp keeps in registers. */
    private static boolean held(long n, DType dtype) {
        return n <= HELD && n % (16 / dtype.bytes()) == 0;
    }

    /** Begins a launch over rows of n elements: of the symbol where a warp can keep a row in registers, else of {@code symbol_long}, a block per row. */
    static KernelLaunch.Builder perRow(Call call, String module, String symbol, DType dtype, long rows, long n) {
        return held(n, dtype) ? call.launch(module, symbol, dtype).grid(Call.blocks(rows, HOLDERS / 32)).block(HOLDERS)
                : call.launch(module, symbol + "_long", dtype).grid(rows).block(Call.BLOCK);
    }

    private static DType dtype(Call call) {
        return call.in().getFirst().dtype();
    }

    /** What the kernels are measured on: a bias gradient, global pooling, a mean of everything, rows; maxima and softmax over classes. */
    static List<Workload> workloads(long batch) {
        List<Workload> all = new ArrayList<>();
        all.add(sum(Reduction.Sum.over(0, 1, 2), batch, 56, 56, 64));
        all.add(sum(Reduction.Sum.over(1, 2), batch, 7, 7, 2048));
        all.add(sum(Reduction.Sum.over(0, 1, 2, 3), batch, 56, 56, 64));
        all.add(sum(Reduction.Sum.over(1), batch * 64, 1000));
        all.add(sum(Reduction.Sum.over(1), batch * 64, 4, 1024));
        long rows = batch * 64;
        Map<String, Long> search = Map.of("outer", rows, "length", 1000L, "inner", 1L, "where", 0L);
        all.add(new Workload("extreme", Sample.of(new Reduction.Amax(-1), Operand.distinct(rows, 1000)), search));
        all.add(new Workload("extreme", Sample.of(new Reduction.Argmax(0), Operand.distinct(64, rows)), Map.of("outer", 1L, "length", 64L, "inner", rows, "where", 1L)));
        all.add(new Workload("extreme", Sample.of(new Reduction.TopK(5), Operand.distinct(rows, 1000)), Map.of("rows", rows, "n", 1000L, "k", 5L)));
        for (long n : new long[] {128, 1000, 4096}) {
            all.add(new Workload("softmax", Sample.of(new Reduction.Softmax(), Operand.range(-4, 4, rows, n)), Map.of("rows", rows, "n", n)));
        }
        return List.copyOf(all);
    }

    private static Workload sum(Reduction.Sum op, long... dims) {
        SumKernel.Pass p = SumKernel.passes(op, Shape.of(dims)).getFirst();
        return new Workload("sum", Sample.of(op, Operand.of(dims)),
                Map.of("outer", p.outer(), "length", p.length(), "inner", p.inner(), "parts", p.parts(), "wide", p.parts() > 1 ? 1L : 0L));
    }
}
