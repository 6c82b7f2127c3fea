package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import java.util.List;

/** The matrix product. */
record MatMulKernel() implements ChoosingKernel<MatMul> {
    @Override
    public List<Candidate> candidates(MatMul op, List<TensorType> in, Target target) {
        return Product.of(op, in).candidates(in.getFirst().dtype(), target, 0, 1);
    }

    /** The matrix product with a row that is added and an activation. */
    record Shift() implements ChoosingKernel<MatMulShift> {
        @Override
        public List<Candidate> candidates(MatMulShift op, List<TensorType> in, Target target) {
            Epilogue epilogue = new Epilogue(Epilogue.ABSENT, 2, Epilogue.ABSENT, 0, op.activation());
            return Product.of(op.product(), in).candidates(in.getFirst().dtype(), target, 0, 1, epilogue);
        }

        /** Not the sum of nothing, to which something is added: the definition has that. */
        @Override
        public boolean takes(MatMulShift op, List<TensorType> in) {
            return ChoosingKernel.super.takes(op, in) && in.stream().allMatch(t -> t.shape().size() > 0);
        }
    }

    /** The matrix product of bytes, with scales. */
    record Quantized() implements ChoosingKernel<QuantizedMatMul> {
        @Override
        public List<Candidate> candidates(QuantizedMatMul op, List<TensorType> in, Target target) {
            long[] x = in.get(0).shape().dims();
            long n = in.get(1).shape().dim(0);
            Epilogue epilogue = new Epilogue(2, 3, op.residual() ? 4 : Epilogue.ABSENT, op.residualScale(), op.activation());
            return ByteProduct.candidates(x[0], n, x[1], target, epilogue);
        }

        @Override
        public boolean takes(QuantizedMatMul op, List<TensorType> in, Device device) {
            boolean some = in.stream().allMatch(t -> t.shape().size() > 0);
            return some && in.get(2).dtype() == DType.F32 && !candidates(op, in, device.choices().target()).isEmpty();
        }
    }
}
