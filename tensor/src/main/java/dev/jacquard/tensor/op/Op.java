package dev.jacquard.tensor.op;

import dev.jacquard.tensor.TensorType;
import java.util.List;

/**
 * An operation with its attributes: a record that says what its outputs look like and what it costs. It does not say how
 * to compute (a backend's kernel does, the double-precision reference being the definition) nor how to differentiate
 * (one row of the calculus does). Stateless and immutable; equal attributes make equal ops.
 *
 * <p>Each op is listed once, with its samples, in a family's rows (see {@link OpTable}); tests, gradient checks and
 * benchmarks are derived from them.
 */
public interface Op {
    /** Name in graphs, messages and case names: the record's name in snake case. */
    default String name() {
        return getClass().getSimpleName().replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(java.util.Locale.ROOT);
    }

    /**
     * The type rule: output types for given input types.
     *
     * @throws dev.jacquard.tensor.ShapeException if shapes do not fit
     * @throws dev.jacquard.tensor.DTypeException if element types do not fit
     */
    List<TensorType> infer(List<TensorType> in);

    /** Bytes that must be moved and floating-point operations, for roofs and plans. By default memory-bound: one FLOP per output element. */
    default Cost cost(List<TensorType> in, List<TensorType> out) {
        return Cost.of(in, out, out.isEmpty() ? 0 : out.getFirst().shape().size());
    }

    /**
     * The input whose storage an output may take when that input is not needed afterwards, -1 for none. Only said by
     * ops that read each element of that input before writing the same element of the output, and whose types agree.
     */
    default int overwrites(int output) {
        return -1;
    }

    /**
     * Whether an input is of the {@link dev.jacquard.tensor.DType#wide wide} type of the others: the numbers per channel, statistics and gates' weights of an op on half-precision
     * images are F32. They are few, so that nothing is saved by rounding them, and what is computed by them is as good as they are.
     */
    default boolean wide(int input) {
        return false;
    }

    /**
     * Whether an input may be of a narrower floating type than the op computes in, and is read as if it had been cast: of a gradient in half precision that moves an F32 weight, no
     * F32 copy is made.
     */
    default boolean narrow(int input) {
        return false;
    }

    /** How far a correct result in limited precision may be from the exact one. */
    default Accuracy accuracy(List<TensorType> in) {
        return Accuracy.elementwise();
    }
}
