package dev.jacquard.tck.reference;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import java.util.List;

/** What one op computes. */
@FunctionalInterface
interface Kernel<O extends Op> {
    /** @param types of the outputs @return the outputs, row-major, not rounded */
    List<double[]> run(O op, List<Array> in, List<TensorType> types);
}
