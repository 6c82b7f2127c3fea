package dev.jacquard.tensor.op;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import java.util.List;

/** Ops without inputs: where a graph's values come from. */
public sealed interface Leaf extends Op {
    /** Type of the one value. */
    TensorType type();

    @Override
    default List<TensorType> infer(List<TensorType> in) {
        Types.count(this, in, 0);
        return List.of(type());
    }

    @Override
    default Cost cost(List<TensorType> in, List<TensorType> out) {
        return Cost.FREE;
    }

    /** A value that the caller feeds at every step. */
    record Input(String label, TensorType type) implements Leaf {}

    /** The value of a variable at the step's beginning. */
    record Read(Variable variable) implements Leaf {
        @Override
        public TensorType type() {
            return variable.type();
        }
    }

    /** One value repeated. */
    record Fill(TensorType type, double value) implements Leaf {}

    /** Given values, row-major. */
    record Literal(TensorType type, List<Double> values) implements Leaf {
        /** Checks the number of values. */
        public Literal {
            values = List.copyOf(values);
            if (values.size() != type.shape().size()) {
                throw new dev.jacquard.tensor.ShapeException("literal", "wrong number of values", Integer.toString(values.size()), Long.toString(type.shape().size()),
                        "give one value per element");
            }
        }
    }
}
