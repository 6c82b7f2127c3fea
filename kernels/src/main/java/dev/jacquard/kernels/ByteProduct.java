package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * A product of I8 operands on tensor cores with its epilogue, (m, k) x (n, k)^T, of inputs 0 and 1 into output 0: kernel matmul_i8.cu. Its depth is not divided: sums of parts
 * would have to be in I32.
 *
 * @param m rows
 * @param n columns
 * @param k depth
 * @param tile of a block
 * @param ragged rows of an operand or of the result are no multiples of 16 elements
 * @param epilogue what follows
 */
record ByteProduct(long m, long n, long k, TensorTile tile, boolean ragged, Epilogue epilogue) implements Candidate {
    /** Beyond, a sum of products of the lowest values leaves I32. */
    static final long MOST_DEPTH = (1 << 17) - 1;
    private static final int CHUNK = 16;

    /** All tiles, the best by rule first; none where there is no kernel. */
    static List<Candidate> candidates(long m, long n, long k, Target target, Epilogue epilogue) {
        if (!target.tensorCores() || k > MOST_DEPTH) {
            return List.of();
        }
        boolean ragged = n % CHUNK != 0 || k % CHUNK != 0;
        List<Candidate> all = new ArrayList<>();
        for (Tiling t : Tiling.ranked(m, n, k, 1, DType.I8, target)) {
            if (t.split().parts() == 1 && (!ragged || t.tile() == TensorTile.T64X64)) {
                all.add(new ByteProduct(m, n, k, t.tile(), ragged, epilogue));
            }
        }
        return all;
    }

    @Override
    public String name() {
        return "mma " + (ragged ? "ragged " : "") + tile;
    }

    @Override
    public long workspace() {
        return 0;
    }

    @Override
    public CudaLaunch bind(Call call) {
        return call.launch("matmul_i8", "matmul_nt_" + (ragged ? "ragged" : tile), DType.I8)
                .grid(tile.count(m, n))
                .block(tile.threads())
                .shared(tile.sharedBytes())
                .pointer(call.in(0)).pointer(call.in(1)).pointer(call.out(0))
                .i32(m).i32(n).i32(k).i32(code(call.out().getFirst().dtype())).struct(epilogue.parameters(call))
                .build();
    }

    /** How the kernels know a type of results. */
    static int code(DType to) {
        return switch (to) {
            case I8 -> 0;
            case F16 -> 1;
            case BF16 -> 2;
            case F32 -> 3;
            default -> throw new IllegalArgumentException(to.toString());
        };
    }

    @Override
    public String toString() {
        return name();
    }
}
