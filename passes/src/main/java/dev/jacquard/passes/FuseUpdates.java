package dev.jacquard.passes;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Update.FusedUpdate;
import dev.jacquard.tensor.op.Update.Rule;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes one node of all optimizer updates that follow one rule with the same scalars, so that a device with a kernel for many parameters runs them in a few launches. Updates that depend on each
 * other stay as they are, and so do those that the device would not take together. Results are the same bit for bit where the device computes a part as it computes the update alone.
 */
public final class FuseUpdates implements Pass {
    private final Backend backend;

    /** Fuses what a device has a kernel for. */
    public FuseUpdates(Backend backend) {
        this.backend = backend;
    }

    /** What may go together: rules that differ in their decay alone, the same scalars, the same element type. */
    private record Kind(Rule rule, List<Symbol> scalars, DType type) {
        static Kind of(Node n, Rule rule) {
            return new Kind(rule.undecayed(), n.inputs().subList(rule.states() + 1, n.inputs().size()), n.inputs().getFirst().dtype());
        }
    }

    @Override
    public Graph apply(Graph graph) {
        List<List<Node>> groups = groups(graph);
        return groups.isEmpty() ? graph : new Rewrite(graph, groups).run();
    }

    private List<List<Node>> groups(Graph graph) {
        Set<Node> live = graph.live();
        Map<Kind, List<Node>> kinds = new LinkedHashMap<>();
        for (Node n : graph.nodes()) {
            if (live.contains(n) && n.op() instanceof Rule rule) {
                kinds.computeIfAbsent(Kind.of(n, rule), _ -> new ArrayList<>()).add(n);
            }
        }
        return kinds.values().stream().filter(g -> g.size() > 1 && independent(graph, g) && supported(g)).toList();
    }

    /** Whether no member needs, however far back, what another one makes. */
    private static boolean independent(Graph graph, List<Node> group) {
        Map<Node, Boolean> after = new IdentityHashMap<>();
        for (Node n : graph.nodes()) {
            boolean follows = n.inputs().stream().anyMatch(s -> after.containsKey(s.node()));
            boolean member = group.contains(n);
            if (follows && member) {
                return false;
            }
            if (follows || member) {
                after.put(n, true);
            }
        }
        return true;
    }

    private boolean supported(List<Node> group) {
        return backend.unsupported(fused(group), Graph.types(inputs(group))).isEmpty();
    }

    private static FusedUpdate fused(List<Node> group) {
        return new FusedUpdate(group.stream().map(n -> (Rule) n.op()).toList());
    }

    /** Each member's states and gradient, then the scalars, which are everybody's. */
    private static List<Symbol> inputs(List<Node> group) {
        List<Symbol> all = new ArrayList<>();
        int each = ((Rule) group.getFirst().op()).states() + 1;
        group.forEach(n -> all.addAll(n.inputs().subList(0, each)));
        all.addAll(group.getFirst().inputs().subList(each, group.getFirst().inputs().size()));
        return all;
    }

    /** The graph anew: a group's node comes when the last of its members would, nodes that use a member wait for it. */
    private static final class Rewrite {
        private final Graph graph;
        private final Map<Node, List<Node>> groupOf = new IdentityHashMap<>();
        private final Map<Symbol, Symbol> image = new IdentityHashMap<>();
        private final GraphBuilder builder = new GraphBuilder(false);

        Rewrite(Graph graph, List<List<Node>> groups) {
            this.graph = graph;
            groups.forEach(g -> g.forEach(n -> groupOf.put(n, g)));
        }

        Graph run() {
            Set<Node> live = graph.live();
            List<Node> open = graph.nodes().stream().filter(live::contains).toList();
            while (!open.isEmpty()) {
                List<Node> waiting = new ArrayList<>();
                open.stream().filter(n -> !emit(n)).forEach(waiting::add);
                if (waiting.size() == open.size()) {
                    return graph; // two groups need each other's results; nobody writes such a step
                }
                open = waiting;
            }
            graph.outputs().forEach((name, s) -> builder.output(name, image.get(s)));
            graph.updates().forEach((v, s) -> builder.write(v, image.get(s)));
            return builder.build();
        }

        /** Whether a node is there now. */
        private boolean emit(Node n) {
            if (image.containsKey(n.outputs().getFirst())) {
                return true; // came with its group
            }
            List<Node> group = groupOf.get(n);
            List<Symbol> needed = group == null ? n.inputs() : inputs(group);
            if (!image.keySet().containsAll(needed)) {
                return false;
            }
            List<Tensor> in = needed.stream().map(s -> (Tensor) image.get(s)).toList();
            try (var _ = builder.label(group == null ? n.label() : "optimizer")) {
                List<Tensor> out = builder.apply(group == null ? n.op() : fused(group), in);
                List<Symbol> old = group == null ? n.outputs() : group.stream().flatMap(m -> m.outputs().stream()).toList();
                for (int i = 0; i < out.size(); i++) {
                    image.put(old.get(i), (Symbol) out.get(i));
                }
            }
            return true;
        }
    }
}
