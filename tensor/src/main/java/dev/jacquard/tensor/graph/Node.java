package dev.jacquard.tensor.graph;

import dev.jacquard.tensor.op.Op;
import java.util.List;

/** One application of an op in a graph. Its id is its position; inputs come from nodes of smaller ids. */
public final class Node {
    private final int id;
    private final Op op;
    private final List<Symbol> inputs;
    private final String label;
    private List<Symbol> outputs = List.of();

    Node(int id, Op op, List<Symbol> inputs, String label) {
        this.id = id;
        this.op = op;
        this.inputs = inputs;
        this.label = label;
    }

    void outputs(List<Symbol> symbols) {
        outputs = symbols;
    }

    /** Position in the graph. */
    public int id() {
        return id;
    }

    /** What is applied. */
    public Op op() {
        return op;
    }

    /** What it is applied to, in the op's order. */
    public List<Symbol> inputs() {
        return inputs;
    }

    /** What it makes, in the op's order. */
    public List<Symbol> outputs() {
        return outputs;
    }

    /** Where in the model it was applied, such as {@code layer1.0.conv1}; empty if nobody said. */
    public String label() {
        return label;
    }

    /** {@code #12 conv2d (layer1.0.conv1)}. */
    @Override
    public String toString() {
        return "#" + id + " " + op.name() + (label.isEmpty() ? "" : " (" + label + ")");
    }
}
