package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Metadata24;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Sparse24.Compress24;
import dev.jacquard.tensor.op.Sparse24.Expand24;
import dev.jacquard.tensor.op.Sparse24.Mask24;
import dev.jacquard.tensor.op.Sparse24.Prune24;
import dev.jacquard.tensor.op.Sparse24.QuantizedSparseMatMul;
import dev.jacquard.tensor.op.Sparse24.SparseMatMul;
import dev.jacquard.tensor.op.Sparse24.SparseMatMulShift;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** 2:4 sparsity: pruning, compression, products. */
final class SparseKernels {
    /** Images of a batch that only devices compute, emulators do not. */
    private static final long LARGE_BATCH = 64;
    private static final long SQUARE = 4096;

    private SparseKernels() {}

    static Map<Class<? extends Op>, CudaKernel<?>> rows() {
        return Map.of(
                Mask24.class, (CudaKernel<Mask24>) (_, call) -> prune("mask24", call),
                Prune24.class, (CudaKernel<Prune24>) (_, call) -> prune("prune24", call),
                Compress24.class, (CudaKernel<Compress24>) (_, call) -> compress(call),
                Expand24.class, (CudaKernel<Expand24>) (_, call) -> expand(call, call.in(0), call.in(1), call.out().getFirst()),
                SparseMatMul.class, new Floating(),
                SparseMatMulShift.class, new Shift(),
                QuantizedSparseMatMul.class, new Quantized());
    }

    private static CudaLaunch prune(String symbol, Call call) {
        long quads = call.outShape(0).size() / 4;
        return call.launch("sparse", symbol, call.out().getFirst().dtype())
                .grid(Call.blocks(quads, Call.BLOCK)).block(Call.BLOCK)
                .pointer(call.in(0)).pointer(call.out(0)).i64(quads)
                .build();
    }

    private static CudaLaunch compress(Call call) {
        Metadata24 layout = Metadata24.of(call.in().getFirst().type());
        long words = layout.type().shape().size();
        return call.launch("sparse", "compress24", call.in().getFirst().dtype())
                .grid(Call.blocks(words, Call.BLOCK)).block(Call.BLOCK)
                .pointer(call.in(0)).pointer(call.out(0)).pointer(call.out(1)).i32(layout.n()).i32(layout.k()).i32(layout.blockColumns()).i64(words)
                .build();
    }

    /** From addresses of values and metadata to the dense matrix. */
    static CudaLaunch expand(Call call, long values, long metadata, View dense) {
        Metadata24 layout = Metadata24.of(dense.type());
        long quads = dense.shape().size() / 4;
        return call.launch("sparse", "expand24", dense.dtype())
                .grid(Call.blocks(quads, Call.BLOCK)).block(Call.BLOCK)
                .pointer(values).pointer(metadata).pointer(Call.address(dense)).i64(quads).i32(layout.k() / 4).i32(layout.blockColumns())
                .build();
    }

    /** The product alone. */
    private record Floating() implements ChoosingKernel<SparseMatMul> {
        @Override
        public List<Candidate> candidates(SparseMatMul op, List<TensorType> in, Target target) {
            return SparseProduct.of(in.get(0), in.get(1)).floating(in.getFirst().dtype(), target, Epilogue.NONE);
        }
    }

    /** The product with a row that is added and an activation. */
    private record Shift() implements ChoosingKernel<SparseMatMulShift> {
        @Override
        public List<Candidate> candidates(SparseMatMulShift op, List<TensorType> in, Target target) {
            Epilogue epilogue = new Epilogue(Epilogue.ABSENT, 3, Epilogue.ABSENT, 0, op.activation());
            return SparseProduct.of(in.get(0), in.get(1)).floating(in.getFirst().dtype(), target, epilogue);
        }

        /** Not the sum of nothing, to which something is added: the definition has that. */
        @Override
        public boolean takes(SparseMatMulShift op, List<TensorType> in) {
            return ChoosingKernel.super.takes(op, in) && in.stream().allMatch(t -> t.shape().size() > 0);
        }
    }

    /** The product of bytes, with scales. */
    private record Quantized() implements ChoosingKernel<QuantizedSparseMatMul> {
        @Override
        public List<Candidate> candidates(QuantizedSparseMatMul op, List<TensorType> in, Target target) {
            Epilogue epilogue = new Epilogue(3, 4, op.residual() ? 5 : Epilogue.ABSENT, op.residualScale(), op.activation());
            return SparseProduct.of(in.get(0), in.get(1)).quantized(target, epilogue);
        }

        @Override
        public boolean takes(QuantizedSparseMatMul op, List<TensorType> in, Device device) {
            boolean some = in.stream().allMatch(t -> t.shape().size() > 0);
            return some && in.get(3).dtype() == DType.F32 && !candidates(op, in, device.choices().target()).isEmpty();
        }
    }

    /**
     * What the kernels are measured on: weights, and every tile on a 1x1 convolution of 14 x 14 images, which is too shallow for any to be split; with large batches the square
     * product, dense and sparse, too.
     */
    static List<Workload> workloads(long batch) {
        long n = 256;
        long k = 64;
        List<Workload> all = new ArrayList<>(ofWeights(n, k));
        for (SparseProduct.Shape tile : SparseProduct.Shape.values()) {
            all.add(product(DType.F16, batch * 196, n, k, tile));
            all.add(product(DType.BF16, batch * 196, n, k, tile));
            all.add(bytes(batch * 196, n, k, tile));
        }
        if (batch >= LARGE_BATCH) {
            Sample dense = Sample.of(new MatMul(false, true), Operand.of(SQUARE, SQUARE), Operand.of(SQUARE, SQUARE));
            Map<String, Long> sizes = new SparseProduct(SQUARE, SQUARE, SQUARE).sizes(0);
            List.of(TensorTile.T128X256, TensorTile.T128X128).forEach(t -> all.add(new Workload("matmul_f16", dense, sizes).by("mma " + t, DType.F16)));
            List.of(SparseProduct.Shape.LARGE, SparseProduct.Shape.SQUARE).forEach(t -> all.add(product(DType.F16, SQUARE, SQUARE, SQUARE, t)));
        }
        return List.copyOf(all);
    }

    private static List<Workload> ofWeights(long n, long k) {
        Metadata24 layout = new Metadata24(n, k, false);
        Map<String, Long> sizes = Map.of("n", n, "k", k, "h", k / 2, "b", layout.type().shape().size(), "q", n * k / 4);
        Operand w = Operand.of(n, k);
        Operand bytes = Operand.integers(DType.I8, -127, 128, n, k / 2);
        return List.of(
                new Workload("sparse", Sample.of(new Mask24(), w), sizes),
                new Workload("sparse", Sample.of(new Prune24(), w), sizes),
                new Workload("sparse", Sample.of(new Compress24(), w), sizes),
                new Workload("sparse", Sample.of(new Compress24(), Operand.integers(DType.I8, -127, 128, n, k)), sizes),
                new Workload("sparse", Sample.of(new Expand24(), Operand.of(n, k / 2), metadata(layout)), sizes),
                new Workload("sparse", Sample.of(new Expand24(), bytes, metadata(new Metadata24(n, k, true))), sizes));
    }

    private static Workload product(DType dtype, long m, long n, long k, SparseProduct.Shape tile) {
        return new Workload("matmul_sparse_" + dtype, floating(m, n, k), new SparseProduct(m, n, k).sizes(0)).by("mma.sp " + tile, dtype);
    }

    private static Workload bytes(long m, long n, long k, SparseProduct.Shape tile) {
        return new Workload("matmul_sparse_i8", quantized(m, n, k, Nonlinearity.RELU), new SparseProduct(m, n, k).sizes(1)).by("mma.sp " + tile);
    }

    /** The product of a compressed matrix, in the type at hand. */
    static Sample floating(long m, long n, long k) {
        return Sample.of(new SparseMatMul(), Operand.of(m, k), Operand.of(n, k / 2), metadata(new Metadata24(n, k, false)));
    }

    /** The same of bytes, to bytes. */
    static Sample quantized(long m, long n, long k, Nonlinearity activation) {
        Operand scale = Operand.range(0.01, 0.02, n);
        return Sample.of(new QuantizedSparseMatMul(activation, 0, DType.I8), Operand.integers(DType.I8, -127, 128, m, k), Operand.integers(DType.I8, -127, 128, n, k / 2),
                metadata(new Metadata24(n, k, true)), scale, scale);
    }

    private static Operand metadata(Metadata24 layout) {
        return new Operand(layout.type(), Operand.Fill.GIVEN, 0, 0, 0x44444444, 0xeeeeeeee, 0xd9c8d9c8);
    }
}
