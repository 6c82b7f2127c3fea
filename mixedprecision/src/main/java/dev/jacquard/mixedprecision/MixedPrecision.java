package dev.jacquard.mixedprecision;

import dev.jacquard.passes.Pass;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import java.util.List;

/**
 * Training in a half-precision type with weights in F32.
 *
 * @param type F16 or BF16: what products and convolutions, and what follows them, are computed in
 * @param keep paths of modules that stay in F32, with all that is below them, such as {@code fc} or {@code layer4.0}
 * @param scale how the loss is scaled; null for not at all, which BF16 does not need
 */
public record MixedPrecision(DType type, List<String> keep, LossScale scale) {
    /** Takes a copy. @throws CallerException if the type is no half-precision type */
    public MixedPrecision {
        keep = List.copyOf(keep);
        requireHalf(type);
    }

    /** What makes a forward graph, of training or evaluation, one of this precision; of null, for F32, what leaves it as it is. */
    public static Pass pass(MixedPrecision precision) {
        return precision == null ? g -> g : new Autocast(precision.type, precision.keep);
    }

    /** The same for evaluation of what is trained so: a path of a module that acts in training only, such as a dropout, names nothing there, and says nothing. */
    public static Pass evaluation(MixedPrecision precision) {
        return precision == null ? g -> g : g -> new Autocast(precision.type, precision.keep.stream().filter(path -> Autocast.isIn(path, g)).toList()).apply(g);
    }

    /** @throws CallerException if a type is none that training in mixed precision is done in */
    static void requireHalf(DType type) {
        if (!type.isHalf()) {
            throw new CallerException("mixed precision", "not a half-precision type", type.toString(), "f16 or bf16", "choose one of them");
        }
    }
}
