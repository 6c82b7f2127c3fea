package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * A product on tensor cores in one of the ways it can be cut: kernels matmul_f16.cu, matmul_bf16.cu, matmul_tf32.cu.
 *
 * @param product what is computed; not both operands transposed
 * @param dtype of operands and result
 * @param tiling tile and split
 * @param ragged rows of an operand or of the result are no multiples of 16 bytes
 * @param a index of the left operand among a call's inputs
 * @param b of the right one
 * @param epilogue what follows
 */
record TensorProduct(Product product, DType dtype, Tiling tiling, boolean ragged, int a, int b, Epilogue epilogue) implements Candidate {
    /** Ways that are worth their while, the best by rule first; none if there is no kernel for it. */
    static List<Candidate> candidates(Product p, DType dtype, Target target, int a, int b, Epilogue epilogue) {
        boolean takes = dtype == DType.F16 || dtype == DType.BF16 || dtype == DType.F32 && target.tf32();
        if (!target.tensorCores() || !takes || p.transposeA() && p.transposeB()) {
            return List.of();
        }
        boolean ragged = !whole(p, dtype);
        List<Candidate> all = new ArrayList<>();
        for (Tiling t : Tiling.ranked(p.m(), p.n(), p.k(), 1, dtype, target)) {
            boolean possible = !epilogue.statistics() || t.split().parts() == 1 && p.transposeB() && !p.transposeA();
            if (possible && (!ragged || t.tile() == TensorTile.T64X64)) {
                all.add(new TensorProduct(p, dtype, t, ragged, a, b, epilogue));
            }
        }
        return all;
    }

    /** Whether all rows begin where 16-byte accesses may. */
    private static boolean whole(Product p, DType dtype) {
        long chunk = 16 / dtype.bytes();
        return (p.transposeA() ? p.m() : p.k()) % chunk == 0 && (p.transposeB() ? p.k() : p.n()) % chunk == 0 && p.n() % chunk == 0;
    }

    @Override
    public String name() {
        return "mma " + (ragged ? "ragged " : "") + tiling;
    }

    /** Only the kernels of layers and 1x1 convolutions have an epilogue; the others leave their sums to a kernel that has, as all do when the depth is split. */
    private boolean fused() {
        return product.transposeB() && !product.transposeA();
    }

    private ColumnStatistics statistics() {
        return new ColumnStatistics(product.m(), product.n(), tiling.tile().rows());
    }

    private boolean leavesSums() {
        return tiling.split().parts() > 1 || !epilogue.isNone() && !fused();
    }

    @Override
    public long workspace() {
        return epilogue.statistics() ? statistics().workspace() : leavesSums() ? tiling.split().parts() * product.m() * product.n() * Float.BYTES : 0;
    }

    @Override
    public CudaLaunch bind(Call call) {
        TensorTile tile = tiling.tile();
        Split split = tiling.split();
        String type = dtype == DType.F32 ? "tf32" : dtype.toString();
        String layout = product.transposeA() ? "tn" : product.transposeB() ? "nt" : "nn";
        String symbol = "matmul_" + layout + "_" + (ragged ? "ragged" : tile) + (dtype == DType.F32 ? "_tf32" : "");
        KernelLaunch.Builder builder = call.launch("matmul_" + type, symbol, dtype)
                .grid(tile.count(product.m(), product.n()), 1, split.parts())
                .block(tile.threads())
                .shared(tile.sharedBytes())
                .pointer(call.in(a)).pointer(call.in(b)).pointer(call.out(0)).pointer(leavesSums() ? call.workspace() : 0)
                .i32(product.m()).i32(product.n()).i32(product.k()).i32(split.depth());
        CudaLaunch launch = (fused() ? builder.struct(epilogue.parameters(call)) : builder).build();
        if (epilogue.statistics()) {
            return statistics().then(call, launch);
        }
        return !leavesSums() ? launch : epilogue.isNone() ? split.then(call, launch) : split.then(call, launch, epilogue, product.n());
    }

    @Override
    public String toString() {
        return name();
    }
}
