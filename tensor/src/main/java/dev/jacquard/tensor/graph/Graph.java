package dev.jacquard.tensor.graph;

import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Cost;
import dev.jacquard.tensor.op.Leaf;
import it.unimi.dsi.fastutil.objects.ReferenceOpenHashSet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A step as data, in static single assignment form: nodes in an order in which each comes after its inputs, the named results, and the new values
 * that variables take at the end. Immutable; passes make new graphs.
 *
 * @param nodes all nodes; a node's id is its position
 * @param outputs results by name
 * @param updates new values of variables
 */
public record Graph(List<Node> nodes, Map<String, Symbol> outputs, Map<Variable, Symbol> updates) {
    /** Takes copies. */
    public Graph {
        nodes = List.copyOf(nodes);
        outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
        updates = Collections.unmodifiableMap(new LinkedHashMap<>(updates));
    }

    /** What is fed at every step, by name. */
    public Map<String, Symbol> inputs() {
        Map<String, Symbol> all = new LinkedHashMap<>();
        for (Node n : nodes) {
            if (n.op() instanceof Leaf.Input in) {
                all.put(in.label(), n.outputs().getFirst());
            }
        }
        return all;
    }

    /** Variables that are read or written. */
    public List<Variable> variables() {
        Map<Variable, Boolean> all = new LinkedHashMap<>();
        for (Node n : nodes) {
            if (n.op() instanceof Leaf.Read read) {
                all.put(read.variable(), true);
            }
        }
        updates.keySet().forEach(v -> all.put(v, true));
        return List.copyOf(all.keySet());
    }

    /** Sum of all nodes' costs. */
    public Cost cost() {
        Cost sum = Cost.FREE;
        for (Node n : nodes) {
            sum = sum.plus(cost(n));
        }
        return sum;
    }

    /** Cost of one node. */
    public static Cost cost(Node n) {
        return n.op().cost(types(n.inputs()), types(n.outputs()));
    }

    /** Types of symbols. */
    public static List<TensorType> types(List<Symbol> symbols) {
        return symbols.stream().map(Symbol::type).toList();
    }

    /**
     * Checks the form: ids are positions, inputs come before, types are what the ops' rules say, results and updates belong to this graph and
     * fit. @throws EngineBugException naming the first node that is wrong
     */
    public Graph verify() {
        Map<Symbol, Boolean> known = new IdentityHashMap<>();
        for (int i = 0; i < nodes.size(); i++) {
            Node n = nodes.get(i);
            require(n.id() == i, n, "id is not the position", i);
            for (Symbol s : n.inputs()) {
                require(known.containsKey(s), n, "input does not come before", s.ref());
            }
            require(n.op().infer(types(n.inputs())).equals(types(n.outputs())), n, "types are not what the op's rule says", types(n.outputs()));
            n.outputs().forEach(s -> known.put(s, true));
        }
        outputs.forEach((name, s) -> require(known.containsKey(s), s.node(), "result is of another graph", name));
        updates.forEach((v, s) -> require(known.containsKey(s) && s.type().equals(v.type()), s.node(), "update does not fit its variable", v));
        return this;
    }

    private static void require(boolean holds, Node n, String problem, Object got) {
        if (!holds) {
            throw new EngineBugException("graph", problem, got + " at node " + n, "a graph in order", "report this with the printed graph");
        }
    }

    /** What a rewrite does with one node. */
    @FunctionalInterface
    public interface Rule {
        /**
         * The outputs that stand for a node's in the new graph, or null to copy the node.
         *
         * @param node the old node
         * @param inputs its inputs, in the new graph
         */
        List<Tensor> rewrite(Node node, List<Tensor> inputs);
    }

    /** The nodes that a result or an update needs. */
    public Set<Node> live() {
        Set<Node> live = new ReferenceOpenHashSet<>();
        Deque<Symbol> open = new ArrayDeque<>(outputs.values());
        open.addAll(updates.values());
        while (!open.isEmpty()) {
            Node n = open.pop().node();
            if (live.add(n)) {
                open.addAll(n.inputs());
            }
        }
        return live;
    }

    /** A copy of this graph in which a rule had its say on every live node; the others are left behind. */
    public Graph rewrite(Rule rule) {
        GraphBuilder b = new GraphBuilder(false);
        Map<Symbol, Symbol> image = new IdentityHashMap<>();
        Set<Node> live = live();
        for (Node n : nodes) {
            if (!live.contains(n)) {
                continue;
            }
            List<Tensor> in = n.inputs().stream().map(s -> (Tensor) image.get(s)).toList();
            try (var _ = b.label(n.label())) {
                List<Tensor> out = rule.rewrite(n, in);
                if (out == null) {
                    out = b.apply(n.op(), in);
                }
                for (int i = 0; i < out.size(); i++) {
                    image.put(n.outputs().get(i), (Symbol) out.get(i));
                }
            }
        }
        outputs.forEach((name, s) -> b.output(name, image.get(s)));
        updates.forEach((v, s) -> b.write(v, image.get(s)));
        return b.build();
    }

    /** A copy of this graph in which the definitions of some composites, and of those that come with them, stand in their place. @param which told nodes of composites only */
    public Graph expand(Predicate<Node> which) {
        Predicate<Node> expands = n -> n.op() instanceof Composite && which.test(n);
        boolean any = nodes.stream().anyMatch(expands);
        return any ? rewrite((n, in) -> expands.test(n) ? ((Composite) n.op()).define(in) : null).expand(which) : this;
    }

    /** Nodes that use each symbol, in order. */
    public Map<Symbol, List<Node>> uses() {
        Map<Symbol, List<Node>> uses = new IdentityHashMap<>();
        for (Node n : nodes) {
            for (Symbol s : n.inputs()) {
                uses.computeIfAbsent(s, _ -> new ArrayList<>()).add(n);
            }
        }
        return uses;
    }

    /** The graph as text, a node a line. */
    public String print() {
        return print(_ -> "");
    }

    /** The same with a remark behind some nodes. @param remark of a node; empty for none */
    public String print(Function<Node, String> remark) {
        StringBuilder text = new StringBuilder();
        for (Node n : nodes) {
            text.append(n.outputs().stream().map(Symbol::ref).collect(Collectors.joining(", ")))
                    .append(" = ").append(n.op().name())
                    .append(n.inputs().stream().map(Symbol::ref).collect(Collectors.joining(", ", "(", ")")));
            String attributes = n.op().toString().replaceFirst("^[^\\[]*", "");
            if (!attributes.equals("[]")) {
                text.append(' ').append(attributes);
            }
            text.append(" : ").append(types(n.outputs()).stream().map(TensorType::toString).collect(Collectors.joining(", ")));
            String behind = Stream.of(n.label(), remark.apply(n)).filter(t -> !t.isEmpty()).collect(Collectors.joining(": "));
            if (!behind.isEmpty()) {
                text.append("  # ").append(behind);
            }
            text.append('\n');
        }
        outputs.forEach((name, s) -> text.append("output ").append(name).append(" = ").append(s.ref()).append('\n'));
        updates.forEach((v, s) -> text.append("update ").append(v.name()).append(" = ").append(s.ref()).append('\n'));
        return text.toString();
    }
}
