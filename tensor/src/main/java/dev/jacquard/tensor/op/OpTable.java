package dev.jacquard.tensor.op;

import java.util.List;
import java.util.stream.Stream;

/** Every op of the engine, a family after the other. What is not in here is not tested, and so does not exist. */
public final class OpTable {
    private OpTable() {}

    /** All rows. */
    public static List<OpRow> rows() {
        return Stream.of(Pointwise.rows(), Movement.rows(), Reduction.rows(), MatMul.rows(), Convolution.rows(), Pooling.rows(),
                        Normalization.rows(), FusedNormalization.rows(), FusedProduct.rows(), QuantizedProduct.rows(),
                        SqueezeExcitation.rows(), Gating.rows(), Loss.rows(), Random.rows(), Update.rows(), ClipByGlobalNorm.rows(), LossScaling.rows(), Quantization.rows(),
                        Sparse24.rows(), Images.rows())
                .flatMap(List::stream)
                .toList();
    }
}
