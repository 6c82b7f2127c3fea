package dev.jacquard.mixedprecision;

import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.FusedNormalization;
import dev.jacquard.tensor.op.FusedProduct;
import dev.jacquard.tensor.op.Gating;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Loss;
import dev.jacquard.tensor.op.LossScaling;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Normalization;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Quantization;
import dev.jacquard.tensor.op.QuantizedProduct;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Sparse24;
import dev.jacquard.tensor.op.SqueezeExcitation;
import dev.jacquard.tensor.op.Update;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which type an op computes in under {@link Autocast}. The table below is the whole policy; it is that of PyTorch's {@code torch.autocast} on CUDA, where PyTorch has the op.
 * Inputs that an op wants {@link Op#wide wide} are F32 whatever its row says. A row for an interface holds for all of its ops that have none of their own.
 *
 * <p>An op from outside the engine may say its row by implementing {@link Custom}; else it {@link #FOLLOWS}, as an unlisted op of PyTorch does, or computes in F32 if its type rule
 * refuses halves.
 */
public enum CastPolicy {
    /** In half precision: products, which tensor cores compute and which sum up in F32. */
    HALF,
    /** In F32: what sums up many numbers, or spreads their range. */
    WIDE,
    /** In F32 if any operand but scalars is in F32, else in half precision. */
    WIDEST,
    /** In the type of the operands that have the result's size, F32 if these differ; smaller operands are cast to it. */
    FOLLOWS,
    /** Made anew in each type that is asked for: constants, and what makes floating pixels of bytes. */
    EITHER,
    /** As it is written: a cast in the model, a value from outside. */
    WRITTEN;

    /** An op from outside the engine that says its row. */
    public interface Custom extends Op {
        /** The row. */
        CastPolicy castPolicy();
    }

    private static final Map<Class<? extends Op>, CastPolicy> TABLE = new LinkedHashMap<>();

    static {
        rows(HALF, MatMul.class, Convolution.class, FusedProduct.class, Sparse24.SparseMatMul.class, Sparse24.SparseMatMulShift.class);

        // PyTorch's list of float32, as far as the ops exist here. A sum keeps F32 inside of the kernel in any case, but 12544 halves of 6 are beyond F16.
        rows(WIDE, Pointwise.Exp.class, Pointwise.Log.class, Pointwise.Rsqrt.class, Reduction.Sum.class, Reduction.Softmax.class, Reduction.LogSoftmax.class, Loss.class);
        // A scale of 127 steps that is rounded to 8 bits of mantissa is off by half a step at the range's end
        rows(WIDE, Quantization.class, QuantizedProduct.class, Sparse24.QuantizedSparseMatMul.class);
        // What moves F32 weights. They come after gradients, where this pass does not go, but a table is to be complete
        rows(WIDE, Update.class, ClipByGlobalNorm.class, LossScaling.class);

        rows(WIDEST, Movement.Concat.class, Pointwise.Greater.class, Pointwise.Equal.class);

        rows(FOLLOWS, Pointwise.class, Movement.class, Pooling.class, Random.Dropout.class);
        // These compute in F32 from statistics in F32, as cuDNN's do; only their images are in half precision
        rows(FOLLOWS, Normalization.class, FusedNormalization.class, SqueezeExcitation.class, Gating.class);
        // Comparisons and choices round nothing
        rows(FOLLOWS, Reduction.Amax.class, Reduction.Argmax.class, Reduction.TopK.class);
        rows(FOLLOWS, Sparse24.Mask24.class, Sparse24.Prune24.class, Sparse24.Compress24.class, Sparse24.Expand24.class);

        rows(EITHER, Leaf.Fill.class, Leaf.Literal.class, Images.Normalize.class, Images.Augment.class, Images.Mix.class);

        rows(WRITTEN, Movement.Cast.class, Movement.CastAll.class, Leaf.Input.class, Leaf.Read.class);
        // From integers to what their records say
        rows(WRITTEN, Movement.OneHot.class, Random.Uniform.class, Images.Crop.class);
    }

    @SafeVarargs
    private static void rows(CastPolicy policy, Class<? extends Op>... ops) {
        for (Class<? extends Op> op : ops) {
            if (TABLE.put(op, policy) != null) {
                throw new IllegalStateException("two rows for " + op);
            }
        }
    }

    /** The row of an op of the engine; empty if there is none. */
    static Optional<CastPolicy> row(Class<? extends Op> op) {
        CastPolicy own = TABLE.get(op);
        if (own != null) {
            return Optional.of(own);
        }
        // No op is below two of the interfaces that have rows, but for the fake quantisations, whose first one is the narrower
        return List.of(op.getInterfaces()).stream().flatMap(i -> inherited(i).stream()).findFirst();
    }

    private static Optional<CastPolicy> inherited(Class<?> type) {
        CastPolicy own = TABLE.get(type);
        return own != null ? Optional.of(own) : List.of(type.getInterfaces()).stream().flatMap(i -> inherited(i).stream()).findFirst();
    }

    /** The row of an op. */
    public static CastPolicy of(Op op) {
        return op instanceof Custom c ? c.castPolicy() : row(op.getClass()).orElse(FOLLOWS);
    }

    /** The table, by the names of ops or families. */
    public static Map<String, CastPolicy> table() {
        Map<String, CastPolicy> all = new LinkedHashMap<>();
        TABLE.forEach((op, policy) -> all.put(op.getSimpleName(), policy));
        return all;
    }
}
