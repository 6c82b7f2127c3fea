package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who uses what in a graph: what a search for chains of nodes asks. A node that is in a chain is in no other. */
final class Users {
    private final Graph graph;
    private final Set<Node> live;
    private final Map<Symbol, List<Node>> uses;
    private final Set<Node> taken = Collections.newSetFromMap(new IdentityHashMap<>());

    Users(Graph graph) {
        this.graph = graph;
        this.live = graph.live();
        this.uses = graph.uses();
    }

    /** Nodes that some result needs and that are in no chain, in order. */
    List<Node> free() {
        return graph.nodes().stream().filter(this::isFree).toList();
    }

    boolean isFree(Node n) {
        return live.contains(n) && !taken.contains(n);
    }

    /** Notes the members of a chain. */
    void take(Collection<Node> members) {
        taken.addAll(members);
    }

    /** Nodes that use a value and are needed. */
    List<Node> of(Symbol s) {
        return uses.getOrDefault(s, List.of()).stream().filter(live::contains).toList();
    }

    /** The one node that uses a value, if there is one, it is in no chain and the value is no result; null if not. */
    Node only(Symbol s) {
        List<Node> all = of(s);
        boolean seen = graph.outputs().containsValue(s) || graph.updates().containsValue(s);
        return all.size() == 1 && !seen && isFree(all.getFirst()) ? all.getFirst() : null;
    }

    /** The activation that a node is, or none; also of no node. */
    static Nonlinearity activation(Node n) {
        Op op = n == null ? null : n.op();
        return switch (op) {
            case Pointwise.Relu _ -> Nonlinearity.RELU;
            case Pointwise.Silu _ -> Nonlinearity.SILU;
            case null, default -> Nonlinearity.NONE;
        };
    }

    /** Whether a value has an element per channel of x(.., C). */
    static boolean perChannel(Symbol s, TensorType x) {
        return s.type().shape().rank() == 1 && s.type().shape().dim(0) == x.shape().dim(-1);
    }
}
