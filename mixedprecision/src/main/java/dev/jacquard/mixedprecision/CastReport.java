package dev.jacquard.mixedprecision;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Loss;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Update;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The casts between floating types in a graph, and why each is there. It reads the graph alone, before or after gradients, fused or not: a cast is there for its readers, and what
 * these compute in is in {@link CastPolicy}.
 *
 * @param graph what was looked at, in which each cast is a node
 * @param casts in order
 */
public record CastReport(Graph graph, List<Entry> casts) {
    /**
     * A cast.
     *
     * @param node the cast
     * @param from element type before
     * @param what the value, such as {@code layer1.0.conv1.weight} or {@code result of relu}
     * @param why reasons, one per kind of reader
     */
    public record Entry(Node node, DType from, String what, List<String> why) {
        /** Element type after. */
        public DType to() {
            return ((Movement.Cast) node.op()).to();
        }

        /** {@code #12 layer1.0.conv1: f32 to f16 of layer1.0.conv1.weight (64, 1, 1, 64): conv2d computes in f16}. */
        @Override
        public String toString() {
            return "#%d %s: %s to %s of %s %s: %s".formatted(node.id(), node.label(), from, to(), what, node.outputs().getFirst().type().shape(), String.join("; ", why));
        }
    }

    /** Looks at a graph; nodes that nobody needs do not count, and casts of many values at once are taken one by one. */
    public static CastReport of(Graph given) {
        Graph graph = given.expand(n -> n.op() instanceof Movement.CastAll);
        Set<Node> live = graph.live();
        Map<Symbol, List<Node>> uses = graph.uses();
        Map<Symbol, List<String>> outside = outside(graph);
        List<Entry> all = new ArrayList<>();
        for (Node n : graph.nodes()) {
            if (live.contains(n) && isCast(n)) {
                Symbol from = n.inputs().getFirst();
                Symbol to = n.outputs().getFirst();
                Set<String> why = new LinkedHashSet<>();
                uses.getOrDefault(to, List.of()).stream().filter(live::contains).forEach(reader -> why.add(reason(reader, to)));
                why.addAll(outside.getOrDefault(to, List.of()));
                all.add(new Entry(n, from.dtype(), what(from), List.copyOf(why)));
            }
        }
        return new CastReport(graph, List.copyOf(all));
    }

    /** Whether a node casts between floating types. */
    static boolean isCast(Node n) {
        return n.op() instanceof Movement.Cast c && c.to().isFloating() && n.inputs().getFirst().dtype().isFloating();
    }

    private static Map<Symbol, List<String>> outside(Graph graph) {
        Map<Symbol, List<String>> all = new IdentityHashMap<>();
        graph.outputs().forEach((name, s) -> all.computeIfAbsent(s, _ -> new ArrayList<>()).add("output " + name + " keeps its type"));
        graph.updates().forEach((v, s) -> all.computeIfAbsent(s, _ -> new ArrayList<>()).add("variable " + v.name() + " keeps its type"));
        return all;
    }

    private static String what(Symbol s) {
        return switch (s.node().op()) {
            case Leaf.Read(Variable v) -> v.name();
            case Leaf.Input in -> "input " + in.label();
            case Op op -> "result of " + op.name() + (s.node().label().isEmpty() ? "" : " in " + s.node().label());
        };
    }

    private static String reason(Node reader, Symbol s) {
        String name = reader.op().name();
        boolean half = s.dtype().isHalf();
        int at = reader.inputs().indexOf(s);
        if (reader.op() instanceof Update) {
            return name + " moves variables in " + s.dtype();
        }
        if (reader.op().wide(at)) {
            return name + " has it in " + s.dtype() + " beside half-precision images";
        }
        return switch (CastPolicy.of(reader.op())) {
            case HALF -> half ? name + " computes in " + s.dtype() : name + " is kept in " + s.dtype();
            case WIDE -> (reader.op() instanceof Loss ? "the loss, " + name + "," : name) + " computes in " + s.dtype();
            case WIDEST, FOLLOWS, EITHER -> reader.inputs().size() == 1 ? name + " is in " + s.dtype() : name + " is in " + s.dtype() + " as its other operands";
            case WRITTEN -> name + " is written so";
        };
    }

    /** The graph as text, with the reasons behind its casts. */
    public String print() {
        Map<Node, String> remarks = new IdentityHashMap<>();
        casts.forEach(e -> remarks.put(e.node, "cast of " + e.what + ": " + String.join("; ", e.why)));
        return graph.print(n -> remarks.getOrDefault(n, ""));
    }

    /** A cast a line, and their number. */
    @Override
    public String toString() {
        return casts.stream().map(e -> e + "\n").collect(Collectors.joining()) + casts.size() + " casts\n";
    }
}
