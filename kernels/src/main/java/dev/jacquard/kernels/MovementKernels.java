package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/** Copies, conversions, joins. They move bytes, so every element type is welcome. */
final class MovementKernels {
    /** The smallest side of a matrix that is transposed in tiles; a tile would be mostly empty below. */
    private static final long TILED = 8;
    private static final int TILE = 32;
    private static final long MAX_GRID_YZ = 65_535;
    /** Types that have conversions of their own; the others go through F64. */
    private static final Set<DType> FLOATS = EnumSet.of(DType.F32, DType.F16, DType.BF16);

    private MovementKernels() {}

    /** A kernel that takes every element type, and maybe every layout. */
    private record Any<O extends Op>(boolean strided, BiFunction<O, Call, CudaLaunch> body) implements CudaKernel<O> {
        @Override
        public CudaLaunch bind(O op, Call call) {
            return body.apply(op, call);
        }

        @Override
        public boolean takes(O op, List<TensorType> in) {
            return true;
        }

        @Override
        public boolean reads(int input, Layout layout) {
            return strided || CudaKernel.aligned(layout);
        }
    }

    /** Between F32 and a half, of parts of one type. */
    private static final class CastAll implements OptimizerKernels.OfParts<Movement.CastAll> {
        @Override
        public boolean takes(Movement.CastAll op, List<TensorType> in) {
            if (in.isEmpty()) {
                return false;
            }
            DType from = in.getFirst().dtype();
            boolean pair = from == DType.F32 && op.to().isHalf() || from.isHalf() && op.to() == DType.F32;
            return pair && in.stream().allMatch(t -> t.dtype() == from) && OptimizerKernels.OfParts.super.takes(op, in);
        }

        @Override
        public CudaLaunch bind(Movement.CastAll op, Call call) {
            Parts parts = new Parts(2);
            for (int i = 0; i < call.in().size(); i++) {
                parts.add(new long[] {call.in(i), call.out(i)}, call.inShape(i).size(), 0);
            }
            String symbol = "cast_all_" + call.in().getFirst().dtype();
            return call.sequence(parts.tables().stream()
                    .map(t -> call.launch("cast_all", symbol, op.to()).grid(t.blocks()).block(Call.BLOCK).struct(t.bytes()).build()).toArray(CudaLaunch[]::new));
        }
    }

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Movement.Copy.class, new Any<Movement.Copy>(true, (_, call) -> copy(call, call.in().getFirst(), call.out().getFirst())),
                Movement.Cast.class, new Any<Movement.Cast>(false, (_, call) -> cast(call)),
                Movement.CastAll.class, new CastAll(),
                Movement.Concat.class, new Any<>(true, MovementKernels::concat),
                Movement.Pad.class, new Any<>(false, MovementKernels::pad),
                Movement.OneHot.class, new Any<>(false, MovementKernels::oneHot));
    }

    /** What the kernels are measured on. @param batch images per batch: 1 or 2 to count, 64 or more to time */
    static List<Workload> workloads(long batch) {
        long n = batch * 56 * 56 * 64;
        Operand map = Operand.of(batch, 56, 56, 64);
        return List.of(
                new Workload("movement", Sample.of(new Movement.Copy(), map), Map.of("x", n, "n", n)),
                new Workload("movement", Sample.of(new Movement.Concat(-1), map, map), Map.of("x", n, "n", n)),
                new Workload("movement", Sample.of(new Movement.Pad(1, 1, 1), map), Map.of("x", n, "n", batch * 58 * 56 * 64)),
                new Workload("movement", Sample.of(new Movement.OneHot(1000), Operand.labels(1000, batch)), Map.of("labels", batch, "n", batch * 1000)),
                new Workload("transpose", Sample.of(Movement.Transpose.of(0, 3, 1, 2), map), Map.of("n", n)),
                new Workload("transpose", Sample.of(Movement.Transpose.of(0, 2, 3, 1), Operand.of(batch, 64, 56, 56)), Map.of("n", n)),
                new Workload("cast", Sample.of(new Movement.Cast(DType.F16), map), Map.of("x", n, "n", n)),
                new Workload("cast", Sample.of(new Movement.Cast(DType.BF16), map), Map.of("x", n, "n", n)),
                new Workload("cast_all", Sample.of(new Movement.CastAll(DType.F16), map, map), Map.of("n", 2 * n)),
                new Workload("cast_all", Sample.of(new Movement.CastAll(DType.BF16), map, map), Map.of("n", 2 * n)),
                new Workload("cast_all", Sample.of(new Movement.CastAll(DType.F32), map, map), Map.of("n", 2 * n)),
                new Workload("cast", Sample.of(new Movement.Cast(DType.F32), Operand.integers(DType.U8, 0, 256, batch, 224, 224, 3)), Map.of("n", batch * 224 * 224 * 3)));
    }

    /** A copy between layouts of one shape. */
    static CudaLaunch copy(Call call, View from, View to) {
        LoopNest nest = LoopNest.of(from.shape(), List.of(from.layout(), to.layout()));
        return call.sequence(nest.pieces().stream().map(piece -> copy(call, from, to, piece)).toArray(CudaLaunch[]::new));
    }

    private static CudaLaunch copy(Call call, View from, View to, LoopNest nest) {
        int bytes = from.dtype().bytes();
        long src = Call.address(from) + nest.offsets()[0] * bytes;
        long dst = Call.address(to) + nest.offsets()[1] * bytes;
        int rows = nest.transposed();
        if (rows > 0 && nest.extents()[rows] >= TILED && nest.extents()[0] >= TILED && nest.extents()[0] <= TILE * MAX_GRID_YZ
                && nest.without(rows).without(0).size() <= MAX_GRID_YZ) {
            return transpose(call, nest, rows, bytes, src, dst);
        }
        int unit = 16 / bytes;
        while (unit > 1 && !(nest.packed(0, unit, src, unit * bytes) && nest.packed(1, unit, dst, unit * bytes) && nest.extents()[0] % unit == 0)) {
            unit /= 2;
        }
        LoopNest units = nest.units(unit);
        return call.launch("movement", "copy_" + suffix(unit * bytes)).grid(Call.blocks(units.size(), Call.BLOCK)).block(Call.BLOCK)
                .pointer(src).pointer(dst).struct(units.struct(2, 1)).build();
    }

    /** How symbols call an element of a size. */
    private static String suffix(int bytes) {
        return bytes == 16 ? "v4_b32" : "b" + 8 * bytes;
    }

    /** Swaps the innermost loop with that in which the source's elements are neighbours, a tile at a time. */
    private static CudaLaunch transpose(Call call, LoopNest nest, int rows, int bytes, long src, long dst) {
        long p = nest.extents()[rows];
        long q = nest.extents()[0];
        long srcRow = nest.strides()[0][0];
        long dstRow = nest.strides()[1][rows];
        LoopNest batch = nest.without(rows).without(0);
        boolean pairs = bytes == 2 && (p | q | srcRow | dstRow | src / 2 | dst / 2) % 2 == 0 && batch.even();
        int tile = pairs ? 2 * TILE : TILE;
        return call.launch("transpose", "transpose_" + (pairs ? "pairs_" : "") + suffix(bytes))
                .grid(Call.blocks(p, tile), Call.blocks(q, tile), batch.size()).block(Call.BLOCK)
                .pointer(src).pointer(dst).struct(batch.struct(2, 1)).i32(p).i32(q).i64(srcRow).i64(dstRow)
                .build();
    }

    private static CudaLaunch cast(Call call) {
        View from = call.in().getFirst();
        View to = call.out().getFirst();
        if (from.dtype() == to.dtype()) {
            return copy(call, from, to);
        }
        long n = to.shape().size();
        if (FLOATS.contains(to.dtype()) && (FLOATS.contains(from.dtype()) || from.dtype() == DType.U8)) {
            long perBlock = Call.BLOCK * 16L / Math.max(from.dtype().bytes(), to.dtype().bytes());
            return call.launch("cast", "cast_" + from.dtype(), to.dtype()).grid(Call.blocks(n, perBlock)).block(Call.BLOCK)
                    .pointer(call.in(0)).pointer(call.out(0)).i64(n).build();
        }
        return call.launch("cast", "cast_any_f64").grid(Call.blocks(n, Call.BLOCK)).block(Call.BLOCK)
                .pointer(call.in(0)).pointer(call.out(0)).i64(n).i32(from.dtype().ordinal()).i32(to.dtype().ordinal()).build();
    }

    private static CudaLaunch concat(Movement.Concat op, Call call) {
        View out = call.out().getFirst();
        List<CudaLaunch> parts = new ArrayList<>();
        long at = 0;
        for (View in : call.in()) {
            long extent = in.shape().dim(op.axis());
            if (extent > 0) {
                parts.add(copy(call, in, new View(out.buffer(), out.dtype(), out.layout().slice(op.axis(), at, at + extent))));
            }
            at += extent;
        }
        return call.sequence(parts.toArray(CudaLaunch[]::new));
    }

    private static CudaLaunch pad(Movement.Pad op, Call call) {
        Shape in = call.inShape(0);
        Shape out = call.outShape(0);
        int bytes = call.out().getFirst().dtype().bytes();
        long step = bytes;
        for (int d = out.axis(op.axis()) + 1; d < out.rank(); d++) {
            step *= out.dim(d);
        }
        int unit = 16;
        while ((step | call.in(0) | call.out(0)) % unit != 0) {
            unit /= 2;
        }
        long before = op.before() * step / unit;
        long length = in.dim(op.axis()) * step / unit;
        long row = out.dim(op.axis()) * step / unit;
        LoopNest nest = LoopNest.rows(out.size() * bytes / unit / row, row, length);
        String symbol = "pad_" + suffix(unit);
        long size = unit;
        return call.sequence(nest.pieces().stream().map(piece -> call.launch("movement", symbol).grid(Call.blocks(piece.size(), Call.BLOCK)).block(Call.BLOCK)
                .pointer(call.in(0) + piece.offsets()[0] * size).pointer(call.out(0) + piece.offsets()[2] * size)
                .struct(piece.struct(2, 1)).i64(before).i64(length).build()).toArray(CudaLaunch[]::new));
    }

    private static CudaLaunch oneHot(Movement.OneHot op, Call call) {
        int unit = op.classes() % 4 == 0 ? 4 : 1;
        LoopNest nest = LoopNest.rows(call.inShape(0).size(), op.classes(), 1);
        return call.sequence(nest.pieces().stream().map(piece -> call.launch("movement", "one_hot_f32").grid(Call.blocks(piece.size() / unit, Call.BLOCK)).block(Call.BLOCK)
                .pointer(call.in(0) + piece.offsets()[0] * 4).pointer(call.out(0) + piece.offsets()[2] * 4)
                .struct(piece.struct(2, unit)).build()).toArray(CudaLaunch[]::new));
    }
}
