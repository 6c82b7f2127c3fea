package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Reduction;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Sums over any axes: neighbouring axes are merged, then each group of reduced axes is one pass over (outer, length, inner), the last group first, with intermediate results in F32
 * (I64 for integers). A pass whose results are too few to fill a device is cut into parts, by the shape alone, which a second launch combines in order.
 */
record SumKernel() implements CudaKernel<Reduction.Sum> {
    private static final String MODULE = "sum";
    private static final Set<DType> TYPES = Set.of(DType.F32, DType.F16, DType.BF16, DType.I32, DType.I64);
    /** Terms that one thread sums on its own. */
    private static final long FEW = 8;
    /** Longest row that a warp sums. */
    private static final long WARP_ROW = 1024;
    /** Unit of what a block sums of a longer row: two packs of the narrowest type for each thread. */
    private static final long CHUNK = 4096;
    /** Blocks that are enough for any device: eight for each of 132 multiprocessors. */
    private static final long ENOUGH = 1056;
    /** Rows of a matrix that a thread sums at least before its column is cut into parts. */
    private static final long ROWS_PER_THREAD = 8;
    /** Where scratch begins for each launch; a multiple of what a pack needs. */
    private static final long ALIGNMENT = 256;

    /** What is summed: the middle of (outer, length, inner). */
    record Pass(long outer, long length, long inner) {
        /** Parts that the sum is cut into. */
        long parts() {
            if (length <= FEW && inner > 1 || inner == 1 && length <= WARP_ROW) {
                return 1;
            }
            long most = inner == 1 ? length / CHUNK : length / (ROWS_PER_THREAD * Math.max(1, Call.BLOCK / across(4)));
            long wanted = ceil(ENOUGH, inner == 1 ? outer : outer * tiles(4));
            long parts = Math.max(1, Math.min(most, wanted));
            return ceil(length, chunk(parts));
        }

        /** Terms of a part, if there are about so many parts. */
        long chunk(long parts) {
            long even = ceil(length, parts);
            return inner == 1 ? ceil(even, CHUNK) * CHUNK : even;
        }

        /** Tiles of at most 32 packs that the columns are cut into. @param width elements of a pack */
        long tiles(int width) {
            return ceil(packs(width), 32);
        }

        /** Packs of a tile. */
        long across(int width) {
            return ceil(packs(width), tiles(width));
        }

        private long packs(int width) {
            return inner % width == 0 ? inner / width : inner;
        }

        private static long ceil(long a, long b) {
            return (a + b - 1) / b;
        }
    }

    /** The passes in order. */
    static List<Pass> passes(Reduction.Sum op, Shape x) {
        TreeSet<Integer> axes = new TreeSet<>();
        op.axes().forEach(a -> axes.add(x.axis(a)));
        List<Long> extents = new ArrayList<>();
        List<Boolean> reduced = new ArrayList<>();
        for (int a = 0; a < x.rank(); a++) {
            boolean gone = axes.contains(a);
            if (!extents.isEmpty() && reduced.getLast() == gone) {
                extents.set(extents.size() - 1, extents.getLast() * x.dim(a));
            } else if (x.dim(a) != 1) {
                extents.add(x.dim(a));
                reduced.add(gone);
            }
        }
        List<Pass> passes = new ArrayList<>();
        for (int g = extents.size() - 1; g >= 0; g--) {
            if (reduced.get(g)) {
                long inner = 1;
                for (int i = g + 1; i < extents.size(); i++) {
                    inner *= reduced.get(i) ? 1 : extents.get(i);
                }
                passes.add(new Pass(extents.subList(0, g).stream().reduce(1L, (p, q) -> p * q), extents.get(g), inner));
            }
        }
        return passes.isEmpty() ? List.of(new Pass(1, 1, x.size())) : passes;
    }

    @Override
    public boolean takes(Reduction.Sum op, List<TensorType> in) {
        return TYPES.contains(in.getFirst().dtype());
    }

    @Override
    public long workspace(Reduction.Sum op, List<TensorType> in, Device device) {
        Launches l = new Launches(null, in.getFirst().dtype());
        l.all(passes(op, in.getFirst().shape()));
        return l.scratch;
    }

    @Override
    public CudaLaunch bind(Reduction.Sum op, Call call) {
        Launches l = new Launches(call, call.in().getFirst().dtype());
        l.all(passes(op, call.inShape(0)));
        return call.sequence(l.made.toArray(CudaLaunch[]::new));
    }

    /** Walks over the passes: hands out scratch and, where there are operands, makes the launches. */
    private static final class Launches {
        private final Call call;
        /** Of the operands. */
        private final DType type;
        /** Of intermediate results. */
        private final DType wide;
        private final List<CudaLaunch> made = new ArrayList<>();
        private long scratch;
        /** What the next launch reads: its type, and its address if there are operands. */
        private DType from;
        private long at;

        /** @param call operands; null to find out how much scratch they will need */
        Launches(Call call, DType type) {
            this.call = call;
            this.type = type;
            this.wide = type.isFloating() ? DType.F32 : DType.I64;
            this.from = type;
            this.at = call == null ? 0 : call.in(0);
        }

        void all(List<Pass> passes) {
            for (int i = 0; i < passes.size(); i++) {
                pass(passes.get(i), i == passes.size() - 1);
            }
        }

        private void pass(Pass p, boolean last) {
            if (!type.isFloating()) {
                each(from == type ? "sum_each" : "sum_narrow", p, last);
                return;
            }
            long parts = p.parts();
            boolean whole = last && parts == 1 && from == type;
            if (p.inner() == 1) {
                rows(p, parts, whole);
            } else if (p.length() <= FEW) {
                each("sum_each", p, whole);
            } else {
                columns("sum_columns", from, p, parts, whole);
            }
            if (!whole && (last || parts > 1)) {
                columns("sum_combine", type, new Pass(p.outer(), parts, p.inner()), 1, last);
            }
        }

        private void rows(Pass p, long parts, boolean whole) {
            boolean warps = p.length() <= WARP_ROW;
            long blocks = warps ? Call.blocks(p.outer(), Call.BLOCK / 32) : p.outer() * parts;
            add(warps ? "sum_rows" : "sum_blocks", from, p.outer() * parts, blocks, whole,
                    b -> warps ? b.i64(p.outer()).i64(p.length()) : b.i64(p.length()).i32(parts).i64(p.chunk(parts)));
        }

        /** @param named type in the symbol's name, which sum_combine has of its result */
        private void columns(String symbol, DType named, Pass p, long parts, boolean whole) {
            int width = 16 / from.bytes();
            add(symbol, named, p.outer() * parts * p.inner(), p.outer() * parts * p.tiles(width), whole,
                    b -> b.i64(p.length()).i64(p.inner()).i32(parts).i64(p.chunk(parts)).i32(p.tiles(width)).i32(p.across(width)));
        }

        private void each(String symbol, Pass p, boolean whole) {
            add(symbol, from == wide && symbol.equals("sum_narrow") ? type : from, p.outer() * p.inner(), Call.blocks(p.outer() * p.inner(), Call.BLOCK), whole,
                    b -> b.i64(p.outer()).i64(p.length()).i64(p.inner()));
        }

        /** Adds a launch; what it writes is what the next one reads. */
        private void add(String symbol, DType named, long results, long blocks, boolean whole, java.util.function.UnaryOperator<KernelLaunch.Builder> shape) {
            long to = 0;
            if (!whole) {
                to = call == null ? 0 : call.workspace() + scratch;
                scratch += (results * wide.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            }
            if (call != null) {
                made.add(shape.apply(call.launch(MODULE, symbol, named).grid(blocks).block(Call.BLOCK).pointer(at).pointer(whole ? call.out(0) : 0).pointer(to)).build());
            }
            at = to;
            from = wide;
        }
    }
}
