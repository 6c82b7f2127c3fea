package dev.jacquard.tensor.op;

import dev.jacquard.tensor.Tensor;
import java.util.List;

/**
 * An op that is defined by other ops. Its kernel, where a backend has one, is an optimisation whose oracle is the
 * definition; and where the calculus has no row for it, it is differentiated through the definition.
 */
public interface Composite extends Op {
    /** The outputs in terms of other ops. */
    List<Tensor> define(List<Tensor> in);
}
