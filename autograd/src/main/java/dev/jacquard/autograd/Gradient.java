package dev.jacquard.autograd;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.op.Op;
import java.util.List;

/** What the calculus says about one input of an op: never nothing. */
public sealed interface Gradient {
    /**
     * A formula in ops.
     *
     * @param rule makes the input's gradient; null means zero
     */
    record Formula(Rule rule) implements Gradient {}

    /** The output does not depend smoothly on this input (labels, indices, comparisons): its gradient is zero. */
    record None() implements Gradient {}

    /** There is a gradient, but nobody wrote it yet. Asking for it is an error that says why. */
    record NotImplemented(String why) implements Gradient {}

    /** One input's gradient from an application and the gradients of its outputs. */
    @FunctionalInterface
    interface Rule {
        /** The gradient, of the input's shape or of one that the input was broadcast to. */
        Tensor apply(Application a);
    }

    /**
     * An application seen backwards.
     *
     * @param op the op
     * @param inputs its inputs
     * @param outputs its outputs
     * @param gradients gradients of the outputs; null where an output does not matter
     * @param cell what {@link #once} made
     */
    record Application(Op op, List<Tensor> inputs, List<Tensor> outputs, List<Tensor> gradients, Object[] cell) {
        /** Makes something at the first call and gives the same back at the others: for ops whose one backward makes several inputs' gradients. */
        @SuppressWarnings("unchecked") // an application belongs to one op, whose rules agree on the type
        public <T> T once(java.util.function.Supplier<T> make) {
            if (cell[0] == null) {
                cell[0] = make.get();
            }
            return (T) cell[0];
        }

        /** Input i. */
        public Tensor x(int i) {
            return inputs.get(i);
        }

        /** Output i. */
        public Tensor y(int i) {
            return outputs.get(i);
        }

        /** Gradient of output 0; zeros if only other outputs matter. */
        public Tensor dy() {
            Tensor g = gradients.getFirst();
            return g != null ? g : outputs.getFirst().context().fill(outputs.getFirst().type(), 0);
        }
    }
}
