package dev.jacquard.passes;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.op.Op;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Computes once what a graph computes twice: the same op, with the same attributes, on the same values. Ops are pure, random ones too. */
public final class CommonSubexpressions implements Pass {
    /** Tensors compare by identity. */
    private record Application(Op op, List<Tensor> inputs) {}

    @Override
    public Graph apply(Graph graph) {
        Map<Application, List<Tensor>> known = new HashMap<>();
        return graph.rewrite((node, in) -> in.isEmpty()
                ? null // the builder merges leaves
                : known.computeIfAbsent(new Application(node.op(), in), a -> in.getFirst().context().apply(a.op(), in)));
    }
}
