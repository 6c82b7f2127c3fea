package dev.jacquard.kernels;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.MatMul;
import java.util.List;

/** The matrix product. */
record MatMulKernel() implements ChoosingKernel<MatMul> {
    @Override
    public List<Candidate> candidates(MatMul op, List<TensorType> in, Target target) {
        long[] a = in.get(0).shape().dims();
        long[] b = in.get(1).shape().dims();
        Product product = new Product(a[op.transposeA() ? 1 : 0], b[op.transposeB() ? 0 : 1], a[op.transposeA() ? 0 : 1], op.transposeA(), op.transposeB());
        return product.candidates(in.getFirst().dtype(), target, 0, 1);
    }
}
