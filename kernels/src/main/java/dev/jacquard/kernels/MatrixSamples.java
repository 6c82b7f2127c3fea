package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedMatMul;
import dev.jacquard.tensor.op.Sample;
import java.util.List;

/** Matrix products and convolutions with operands of the types that an arithmetic has, to be measured. */
public final class MatrixSamples {
    private MatrixSamples() {}

    /** {@code x w^T} of x (m, k) and w (n, k), as a linear layer computes it; in I8 requantised to I8, with a scale and a shift per column. */
    public static Sample product(Arithmetic arithmetic, long m, long n, long k) {
        if (arithmetic == Arithmetic.I8) {
            Operand scale = Operand.range(0.01, 0.02, n);
            return Sample.of(new QuantizedMatMul(Nonlinearity.NONE, 0, DType.I8), Operand.integers(DType.I8, -127, 128, m, k), Operand.integers(DType.I8, -127, 128, n, k),
                    scale, scale);
        }
        return Sample.of(new MatMul(false, true), Operand.of(m, k), Operand.of(n, k)).withDType(arithmetic.dtype());
    }

    /** The same of a w that is 2:4 sparse and compressed: k is a multiple of 4. */
    public static Sample sparse(Arithmetic arithmetic, long m, long n, long k) {
        return arithmetic == Arithmetic.I8 ? SparseKernels.quantized(m, n, k, Nonlinearity.NONE) : SparseKernels.floating(m, n, k).withDType(arithmetic.dtype());
    }

    /**
     * A convolution, its gradient with respect to the images, and that with respect to the weights. @param x type of the images (N, H, W, C) @param w of the weights (K, R, S, C /
     * groups)
     */
    public static List<Sample> passes(Arithmetic arithmetic, Conv2d forward, TensorType x, TensorType w) {
        Operand images = Operand.of(x.shape().dims());
        Operand weights = Operand.of(w.shape().dims());
        Operand gradient = Operand.of(forward.infer(List.of(x, w)).getFirst().shape().dims());
        return List.of(
                Sample.of(forward, images, weights).withDType(arithmetic.dtype()),
                Sample.of(new Conv2dBackwardData(forward.window(), forward.groups(), x.shape().dim(1), x.shape().dim(2)), gradient, weights).withDType(arithmetic.dtype()),
                Sample.of(new Conv2dBackwardWeight(forward.window(), forward.groups(), w.shape().dim(1), w.shape().dim(2)), images, gradient).withDType(arithmetic.dtype()));
    }
}
