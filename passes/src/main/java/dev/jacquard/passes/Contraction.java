package dev.jacquard.passes;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A graph anew in which groups of nodes have become one node each. A group's node comes where the last of its inputs is there, which may be later than its first member was: nodes
 * that use one of its results wait for it.
 */
final class Contraction {
    private final Graph graph;
    private final Map<Node, Group> groupOf = new IdentityHashMap<>();
    private final Map<Symbol, Symbol> image = new IdentityHashMap<>();
    private final GraphBuilder builder = new GraphBuilder(false);

    /**
     * Nodes that become one.
     *
     * @param members the nodes; what they make and {@code results} does not name is used by members only
     * @param op what does their work
     * @param inputs what it is applied to
     * @param results which results of members its outputs stand for, in order
     * @param label where in the model it is
     */
    record Group(List<Node> members, Op op, List<Symbol> inputs, List<Symbol> results, String label) {}

    Contraction(Graph graph, List<Group> groups) {
        this.graph = graph;
        groups.forEach(g -> g.members.forEach(n -> groupOf.put(n, g)));
    }

    /** The new graph; the old one if groups need each other's results. */
    Graph run() {
        Set<Node> live = graph.live();
        List<Node> open = graph.nodes().stream().filter(live::contains).toList();
        while (!open.isEmpty()) {
            List<Node> waiting = new ArrayList<>();
            open.stream().filter(n -> !emit(n)).forEach(waiting::add);
            if (waiting.size() == open.size()) {
                return graph;
            }
            open = waiting;
        }
        graph.outputs().forEach((name, s) -> builder.output(name, image.get(s)));
        graph.updates().forEach((v, s) -> builder.write(v, image.get(s)));
        return builder.build();
    }

    /** Whether a node is there now. */
    private boolean emit(Node n) {
        Group g = groupOf.get(n);
        List<Symbol> results = g == null ? n.outputs() : g.results;
        if (image.containsKey(results.getFirst())) {
            return true; // came with another member
        }
        List<Tensor> in = new ArrayList<>();
        for (Symbol s : g == null ? n.inputs() : g.inputs) {
            if (!image.containsKey(s)) {
                return false;
            }
            in.add(image.get(s));
        }
        try (var _ = builder.label(g == null ? n.label() : g.label)) {
            List<Tensor> out = builder.apply(g == null ? n.op() : g.op, in);
            for (int i = 0; i < out.size(); i++) {
                image.put(results.get(i), (Symbol) out.get(i));
            }
        }
        return true;
    }
}
