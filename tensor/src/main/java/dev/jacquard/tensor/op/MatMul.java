package dev.jacquard.tensor.op;

import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * Matrix product {@code op(A) op(B)} of rank-2 operands, each transposed on request: (M, K) x (K, N) = (M, N). Closed under
 * differentiation: the gradients are matrix products again.
 */
public record MatMul(boolean transposeA, boolean transposeB) implements Op {
    @Override
    public String name() {
        return "matmul";
    }

    @Override
    public List<TensorType> infer(List<TensorType> in) {
        Types.count(this, in, 2);
        Types.same(this, in);
        Types.floating(this, in);
        TensorType a = in.get(0);
        TensorType b = in.get(1);
        Types.rank(this, "lhs", a, 2, "(M, K)");
        Types.rank(this, "rhs", b, 2, "(K, N)");
        long ka = a.shape().dim(transposeA ? 0 : 1);
        long kb = b.shape().dim(transposeB ? 1 : 0);
        if (ka != kb) {
            boolean turned = ka == b.shape().dim(transposeB ? 0 : 1);
            throw new ShapeException(name(), "inner dimensions differ", "lhs " + a.shape() + (transposeA ? "^T" : "") + ", rhs " + b.shape() + (transposeB ? "^T" : ""),
                    ka + " == " + kb, turned ? "did you mean the transpose of rhs?" : "check the shapes");
        }
        return List.of(TensorType.of(a.dtype(), a.shape().dim(transposeA ? 1 : 0), b.shape().dim(transposeB ? 0 : 1)));
    }

    private long k(List<TensorType> in) {
        return in.get(0).shape().dim(transposeA ? 0 : 1);
    }

    @Override
    public Cost cost(List<TensorType> in, List<TensorType> out) {
        return Cost.of(in, out, 2 * out.getFirst().shape().size() * k(in));
    }

    @Override
    public Accuracy accuracy(List<TensorType> in) {
        return Accuracy.matmul(k(in));
    }

    /** The family's rows. */
    static List<OpRow> rows() {
        List<Sample> samples = new ArrayList<>();
        for (boolean ta : new boolean[] {false, true}) {
            for (boolean tb : new boolean[] {false, true}) {
                for (long[] s : new long[][] {{1, 1, 1}, {2, 3, 5}, {7, 13, 31}, {33, 65, 17}, {6, 64, 33}, {1, 10, 207}, {127, 9, 3}, {12, 68, 68}, {20, 136, 36}, {132, 128, 20},
                        {4, 0, 3}, {3, 4, 0}}) {
                    samples.add(Sample.of(new MatMul(ta, tb), ta ? Operand.of(s[2], s[0]) : Operand.of(s[0], s[2]), tb ? Operand.of(s[1], s[2]) : Operand.of(s[2], s[1])));
                }
            }
        }
        return List.of(new OpRow(MatMul.class, "matrix product", List.copyOf(samples), List.of())
                .refuses(new MatMul(false, false), "did you mean the transpose of rhs", TensorType.f32(8, 512), TensorType.f32(256, 512))
                .refuses(new MatMul(false, false), "wrong rank", TensorType.f32(8), TensorType.f32(8, 2)));
    }
}
