package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A matrix product of row-major operands as {@code matmul.cu} computes it: (m, k) x (k, n), each operand stored transposed on request.
 *
 * @param m rows
 * @param n columns
 * @param k depth
 * @param transposeA the left operand is stored as (k, m)
 * @param transposeB the right one as (n, k)
 */
record Product(long m, long n, long k, boolean transposeA, boolean transposeB) {
    /** Rows of an operand or of the result are a multiple of 4 elements. */
    private static final int WHOLE_A = 4;
    private static final int WHOLE_B = 8;
    private static final int WHOLE_Y = 16;
    private static final int WHOLE = WHOLE_A | WHOLE_B | WHOLE_Y;

    private int flags() {
        return (transposeA ? 1 : 0) | (transposeB ? 2 : 0) | quads(transposeA ? m : k, WHOLE_A) | quads(transposeB ? k : n, WHOLE_B) | quads(n, WHOLE_Y);
    }

    private Tile tile() {
        if ((flags() & WHOLE) != WHOLE) {
            return Tile.SQUARE;
        }
        return Tile.thin(n) ? Tile.NARROW : Tile.thin(m) ? Tile.FLAT : Tile.SQUARE;
    }

    private long tiles() {
        return tile().count(m, n);
    }

    private Split split() {
        return Split.of(tiles(), k);
    }

    long workspace() {
        return split().workspace(m * n);
    }

    /** Ways to make output 0 of inputs a and b, which have this type. */
    List<Candidate> candidates(DType dtype, Target target, int a, int b) {
        List<Candidate> all = new ArrayList<>();
        if (target.tensorCores() && dtype == DType.F16 && !(transposeA && transposeB) && n % 8 == 0 && (transposeA ? m : k) % 8 == 0 && (transposeB ? k : n) % 8 == 0) {
            Split split = Split.of(Call.blocks(m, 128) * Call.blocks(n, 128), k, 32);
            all.add(Candidate.of("mma 128x128", split.workspace(m * n), call -> split.then(call, call
                    .launch("matmul_f16", "matmul_" + (transposeA ? "tn" : transposeB ? "nt" : "nn") + "_128x128", dtype)
                    .grid(Call.blocks(m, 128) * Call.blocks(n, 128), 1, split.parts())
                    .block(128)
                    .shared(48 << 10)
                    .pointer(call.in(a)).pointer(call.in(b)).pointer(call.out(0)).pointer(call.workspace())
                    .i32(m).i32(n).i32(k).i32(split.depth())
                    .build())));
        }
        all.add(Candidate.of("simt", workspace(), call -> bind(call, a, b)));
        HopperProduct.offer(all, this, dtype, target, a, b);
        return all;
    }

    /** The product of inputs a and b, into output 0. */
    private CudaLaunch bind(Call call, int a, int b) {
        Split split = split();
        CudaLaunch launch = call.launch("matmul", tile().symbol("matmul"), call.out().getFirst().dtype())
                .grid(tiles(), 1, split.parts())
                .block(Tile.THREADS)
                .pointer(call.in(a)).pointer(call.in(b)).pointer(call.out(0)).pointer(call.workspace())
                .i32(m).i32(n).i32(k).i32(split.depth()).i32(flags())
                .build();
        return split.then(call, launch);
    }

    /** A flag if rows of so many elements can be accessed by four at a time. */
    private static int quads(long pitch, int flag) {
        return pitch % 4 == 0 ? flag : 0;
    }

    /** Values of the names in matmul.cu's Traffic lines. */
    Map<String, Long> sizes() {
        long partial = split().workspace(m * n) / Float.BYTES;
        return Map.of("m", m, "n", n, "k", k, "p", partial, "outputs", m * n, "y", partial > 0 ? 0 : m * n);
    }
}

