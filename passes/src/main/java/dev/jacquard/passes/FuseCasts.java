package dev.jacquard.passes;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement.Cast;
import dev.jacquard.tensor.op.Movement.CastAll;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes one node of all casts of variables' values between the same types, which in mixed precision are those of a step's weights, where a device has a kernel for them: they need
 * nothing but the variables, and are there before anything uses one. Casts of other values stay where they are.
 */
public final class FuseCasts implements Pass {
    private final Backend backend;

    /** Fuses what a device has a kernel for. */
    public FuseCasts(Backend backend) {
        this.backend = backend;
    }

    /** From what to what. */
    private record Kind(DType from, Cast to) {}

    @Override
    public Graph apply(Graph graph) {
        List<Contraction.Group> groups = groups(graph).stream().filter(g -> g.size() > 1).map(FuseCasts::contracted)
                .filter(g -> backend.unsupported(g.op(), Graph.types(g.inputs())).isEmpty()).toList();
        return groups.isEmpty() ? graph : new Contraction(graph, groups).run();
    }

    private static List<List<Node>> groups(Graph graph) {
        Set<Node> live = graph.live();
        Map<Kind, List<Node>> kinds = new LinkedHashMap<>();
        for (Node n : graph.nodes()) {
            // a part has elements, or there is no kernel for the whole
            if (live.contains(n) && n.op() instanceof Cast cast && n.inputs().getFirst().node().op() instanceof Leaf.Read && n.inputs().getFirst().shape().size() > 0) {
                kinds.computeIfAbsent(new Kind(n.inputs().getFirst().dtype(), cast), _ -> new ArrayList<>()).add(n);
            }
        }
        return List.copyOf(kinds.values());
    }

    private static Contraction.Group contracted(List<Node> casts) {
        List<Symbol> inputs = casts.stream().map(n -> n.inputs().getFirst()).toList();
        CastAll op = new CastAll(((Cast) casts.getFirst().op()).to());
        return new Contraction.Group(casts, op, inputs, casts.stream().map(n -> n.outputs().getFirst()).toList(), "weights");
    }
}
