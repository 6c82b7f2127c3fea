package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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

    /** The same with its floating operands, which are written as F32, in another type; of what the op has {@link Op#wide wide}, in the wide type of that. */
    public Sample withDType(DType dtype) {
        return new Sample(op, IntStream.range(0, operands.size()).mapToObj(i -> {
            Operand o = operands.get(i);
            return o.type().dtype() == DType.F32 ? o.withDType(op.wide(i) ? dtype.wide() : dtype) : o;
        }).toList());
    }

    /** {@code conv2d(f32(2, 5, 5, 3), f32(4, 3, 3, 3))[...]}. */
    @Override
    public String toString() {
        String attributes = op.toString().replaceFirst("^[^\\[]*", "");
        return op.name() + operands.stream().map(Operand::toString).collect(Collectors.joining(", ", "(", ")"))
                + (attributes.equals("[]") ? "" : attributes);
    }
}
