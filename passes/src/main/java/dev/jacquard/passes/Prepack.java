package dev.jacquard.passes;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Prepacking;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Random;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Makes two ops of one, where the device knows how ({@link Backend#prepacking}) and the input that it packs follows from variables alone that the graph does not write: the packing
 * is then {@link Freeze}'s to compute once. After {@link Fusion}; the graph runs on this backend only from then on. The same weights packed the same way are packed once.
 */
final class Prepack implements Pass {
    private final Backend backend;

    Prepack(Backend backend) {
        this.backend = backend;
    }

    @Override
    public Graph apply(Graph graph) {
        Set<Node> fixed = fixed(graph);
        Map<Tensor, Map<Prepacking.Pack, Tensor>> packed = new IdentityHashMap<>();
        return graph.rewrite((n, in) -> {
            Optional<Prepacking> way = n.inputs().isEmpty() ? Optional.empty() : backend.prepacking(n.op(), Graph.types(n.inputs()));
            if (way.isEmpty() || !fixed.contains(n.inputs().get(way.get().input()).node())) {
                return null;
            }
            Prepacking p = way.get();
            List<Tensor> inputs = new ArrayList<>(in);
            inputs.set(p.input(), packed.computeIfAbsent(in.get(p.input()), _ -> new HashMap<>()).computeIfAbsent(p.pack(), pack -> in.get(p.input()).apply(pack)));
            return inputs.getFirst().context().apply(p.packed(), inputs);
        });
    }

    private static Set<Node> fixed(Graph graph) {
        Map<Node, Boolean> fixed = new IdentityHashMap<>();
        for (Node n : graph.nodes()) {
            boolean is = switch (n.op()) {
                case Leaf.Input _ -> false;
                case Leaf.Read read -> !graph.updates().containsKey(read.variable());
                case Random _ -> false;
                default -> n.inputs().stream().allMatch(s -> fixed.containsKey(s.node()));
            };
            if (is) {
                fixed.put(n, true);
            }
        }
        return fixed.keySet();
    }
}
