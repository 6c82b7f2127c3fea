package dev.jacquard.passes;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Update.FusedUpdate;
import dev.jacquard.tensor.op.Update.Rule;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes one node of all optimizer updates that follow one rule with the same scalars, so that a device with a kernel for many parameters runs them in a few launches. Updates that
 * depend on each other stay as they are, and so do those that the device would not take together. Results are the same bit for bit where the device computes a part as it computes
 * the update alone.
 */
public final class FuseUpdates implements Pass {
    private final Backend backend;

    /** Fuses what a device has a kernel for. */
    public FuseUpdates(Backend backend) {
        this.backend = backend;
    }

    /** What may go together: rules that differ in their coefficient alone, the same scalars, the same element types. */
    private record Kind(Rule rule, List<Object> scalars, DType type, DType gradient) {
        static Kind of(Node n, Rule rule) {
            List<Object> scalars = n.inputs().subList(rule.states() + 1, n.inputs().size()).stream().map(Kind::scalar).toList();
            return new Kind(rule.common(), scalars, n.inputs().getFirst().dtype(), n.inputs().get(rule.states()).dtype());
        }

        /** Who a scalar is: constants of one value are the same wherever they were made, as by each of a network's normalisations. */
        private static Object scalar(Symbol s) {
            return s.node().op() instanceof Leaf.Fill fill ? fill : s;
        }
    }

    @Override
    public Graph apply(Graph graph) {
        List<List<Node>> groups = groups(graph);
        return groups.isEmpty() ? graph : new Contraction(graph, groups.stream().map(FuseUpdates::contracted).toList()).run();
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

    private static Contraction.Group contracted(List<Node> group) {
        return new Contraction.Group(group, fused(group), inputs(group), group.stream().flatMap(n -> n.outputs().stream()).toList(), "optimizer");
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
}
