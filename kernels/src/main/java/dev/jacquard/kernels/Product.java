package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.MatMul;
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

    /** The product that an op is on operands of these types, of which the first two are the matrices. */
    static Product of(MatMul op, List<TensorType> in) {
        long[] a = in.get(0).shape().dims();
        long[] b = in.get(1).shape().dims();
        return new Product(a[op.transposeA() ? 1 : 0], b[op.transposeB() ? 0 : 1], a[op.transposeA() ? 0 : 1], op.transposeA(), op.transposeB());
    }

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
        return candidates(dtype, target, a, b, Epilogue.NONE);
    }

    /** The same with what follows the product. Statistics come from the kernels on tensor cores alone: there may be no way. */
    List<Candidate> candidates(DType dtype, Target target, int a, int b, Epilogue epilogue) {
        List<Candidate> all = new ArrayList<>(TensorProduct.candidates(this, dtype, target, a, b, epilogue));
        if (epilogue.statistics()) {
            return all;
        }
        all.add(epilogue.isNone() ? Candidate.of("simt", workspace(), call -> bind(call, a, b))
                : Candidate.of("simt", sums().workspace(m * n), call -> bind(call, a, b, epilogue)));
        HopperProduct.offer(all, this, dtype, target, a, b, epilogue);
        return all;
    }

    /** The product of inputs a and b, into output 0. */
    private CudaLaunch bind(Call call, int a, int b) {
        return split().then(call, launch(call, split(), a, b));
    }

    /** The same with what follows it: the kernel leaves sums in the workspace only of several parts. */
    private CudaLaunch bind(Call call, int a, int b, Epilogue epilogue) {
        return sums().then(call, launch(call, sums(), a, b), epilogue, n);
    }

    private Split sums() {
        return split().parts() > 1 ? split() : new Split(2, split().depth());
    }

    private CudaLaunch launch(Call call, Split split, int a, int b) {
        return call.launch("matmul", tile().symbol("matmul"), call.out().getFirst().dtype())
                .grid(tiles(), 1, split.parts())
                .block(Tile.THREADS)
                .pointer(call.in(a)).pointer(call.in(b)).pointer(call.out(0)).pointer(call.workspace())
                .i32(m).i32(n).i32(k).i32(split.depth()).i32(flags())
                .build();
    }

    /** A flag if rows of so many elements can be accessed by four at a time. */
    private static int quads(long pitch, int flag) {
        return pitch % 4 == 0 ? flag : 0;
    }

    /** Values of the names in split_sum.cu's and matmul.cu's Traffic lines where the sums go through the workspace to an epilogue. @param values of its scale and shift */
    Map<String, Long> sizesOfSums(long values) {
        return Map.of("m", m, "n", n, "k", k, "p", sums().workspace(m * n) / Float.BYTES, "outputs", m * n, "y", 0L, "v", values, "e", 0L);
    }

    /** Values of the names in matmul.cu's Traffic lines. */
    Map<String, Long> sizes() {
        long partial = split().workspace(m * n) / Float.BYTES;
        return Map.of("m", m, "n", n, "k", k, "p", partial, "outputs", m * n, "y", partial > 0 ? 0 : m * n);
    }
}

