package dev.jacquard.onnx;

import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Values of a graph that follow from variables and constants alone, computed by the weights' own backend. */
final class Constants {
    private final Set<Node> nodes = new HashSet<>();
    private final Map<Symbol, float[]> values = new IdentityHashMap<>();

    /** Computes all that other nodes of the graph use. */
    Constants(Graph graph, State weights) {
        Map<String, Symbol> edge = new LinkedHashMap<>();
        for (Node n : graph.nodes()) {
            boolean fixed = !(n.op() instanceof Leaf.Input) && !(n.op() instanceof Random) && n.inputs().stream().allMatch(s -> nodes.contains(s.node()));
            if (fixed) {
                nodes.add(n);
            } else {
                n.inputs().stream().filter(s -> nodes.contains(s.node())).forEach(s -> edge.put(s.ref(), s));
            }
        }
        graph.outputs().values().stream().filter(s -> nodes.contains(s.node())).forEach(s -> edge.put(s.ref(), s));
        Map<String, Symbol> computed = new LinkedHashMap<>(edge);
        edge.forEach((name, s) -> {
            if (s.node().op() instanceof Leaf.Read read) {
                values.put(s, weights.get(read.variable()));
                computed.remove(name);
            }
        });
        if (!computed.isEmpty()) {
            try (Plan plan = Plan.of(new Graph(graph.nodes(), computed, Map.of()).rewrite((_, _) -> null), weights)) {
                plan.run();
                computed.forEach((name, s) -> values.put(s, plan.floats(name)));
            }
        }
    }

    /** Whether a node's results follow from variables and constants alone. */
    boolean has(Node n) {
        return nodes.contains(n);
    }

    /** A constant's elements, row-major; null if it is none. */
    float[] get(Symbol s) {
        return values.get(s);
    }
}
