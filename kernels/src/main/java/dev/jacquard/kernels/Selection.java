package dev.jacquard.kernels;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import java.util.List;

/** Says which of an op's candidates is to be taken. */
@FunctionalInterface
public interface Selection {
    /** The candidate that is best by rule. */
    Selection BY_RULE = (_, _, _) -> 0;

    /** @param candidates names, the best by rule first @return index of one */
    int choose(Op op, List<TensorType> in, List<String> candidates);
}
