package dev.jacquard.tensor.op;

import dev.jacquard.tensor.TensorType;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One use of an op that tests, gradient checks and benchmarks replay. It prints as its case name.
 *
 * @param op the op with its attributes
 * @param operands its inputs
 */
public record Sample(Op op, List<Operand> operands) {
    /** A sample of an op on operands. */
    public static Sample of(Op op, Operand... operands) {
        return new Sample(op, List.of(operands));
    }

    /** The operands' types. */
    public List<TensorType> types() {
        return operands.stream().map(Operand::type).toList();
    }

    /** {@code conv2d(f32(2, 5, 5, 3), f32(4, 3, 3, 3))[...]}. */
    @Override
    public String toString() {
        String attributes = op.toString().replaceFirst("^[^\\[]*", "");
        return op.name() + operands.stream().map(Operand::toString).collect(Collectors.joining(", ", "(", ")"))
                + (attributes.equals("[]") ? "" : attributes);
    }
}
