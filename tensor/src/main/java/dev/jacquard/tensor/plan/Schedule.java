package dev.jacquard.tensor.plan;

import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Update;
import it.unimi.dsi.fastutil.objects.ReferenceOpenHashSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The order in which a graph's nodes run: as recorded, without those that nothing needs, and with everything that only makes new values of variables moved
 * to the end.
 *
 * @param order the nodes
 * @param commitFrom position of the first node of the end part
 */
record Schedule(List<Node> order, int commitFrom) {
    static Schedule of(Graph graph) {
        Set<Node> needed = graph.live();
        Set<Node> commit = commit(graph, needed);
        List<Node> order = new ArrayList<>();
        graph.nodes().stream().filter(n -> needed.contains(n) && !commit.contains(n)).forEach(order::add);
        int from = order.size();
        graph.nodes().stream().filter(commit::contains).forEach(order::add);
        return new Schedule(List.copyOf(order), from);
    }

    /** Optimizer updates and all that follows from them, and nodes whose every output is a new value of a variable and nothing else. */
    private static Set<Node> commit(Graph graph, Set<Node> needed) {
        Map<Symbol, List<Node>> uses = graph.uses();
        Set<Node> commit = new ReferenceOpenHashSet<>();
        for (Node n : graph.nodes()) {
            boolean onlyUpdates = n.outputs().stream().allMatch(s -> graph.updates().containsValue(s)
                    && !graph.outputs().containsValue(s)
                    && uses.getOrDefault(s, List.of()).stream().noneMatch(needed::contains));
            boolean follows = n.inputs().stream().anyMatch(s -> commit.contains(s.node()));
            if (needed.contains(n) && !(n.op() instanceof Leaf) && (onlyUpdates || follows || n.op() instanceof Update)) {
                commit.add(n);
            }
        }
        return commit;
    }
}
