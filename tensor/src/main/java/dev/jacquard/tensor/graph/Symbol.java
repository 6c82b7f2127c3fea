package dev.jacquard.tensor.graph;

import dev.jacquard.tensor.Context;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import java.util.Optional;

/** A tensor without values: an output of a node. */
public final class Symbol extends Tensor {
    private final GraphBuilder builder;
    private final Node node;
    private final int index;
    private final TensorType type;

    Symbol(GraphBuilder builder, Node node, int index, TensorType type) {
        this.builder = builder;
        this.node = node;
        this.index = index;
        this.type = type;
    }

    /** The node that makes it. */
    public Node node() {
        return node;
    }

    /** Which of the node's outputs it is. */
    public int index() {
        return index;
    }

    @Override
    public TensorType type() {
        return type;
    }

    @Override
    public Context context() {
        return builder;
    }

    /** The builder that recorded it; a graph that a pass made goes on there. */
    public GraphBuilder builder() {
        return builder;
    }

    @Override
    @SuppressWarnings("unchecked") // lists of symbols are only read
    public Optional<Origin> origin() {
        return Optional.of(new Origin(node.id(), node.op(), java.util.Collections.unmodifiableList(node.inputs()), java.util.Collections.unmodifiableList(node.outputs())));
    }

    /** {@code %12}, or {@code %12.1} for a second output. */
    public String ref() {
        return "%" + node.id() + (node.outputs().size() > 1 ? "." + index : "");
    }

    @Override
    public String toString() {
        return ref() + ": " + type;
    }
}
