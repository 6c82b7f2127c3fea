package dev.jacquard.passes;

import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Prepacking;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.ViewOp;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;

/**
 * Takes out of a graph what follows from variables and constants alone, such as the scales and shifts of normalisations in an evaluation: a preparing graph computes it once into
 * variables of role {@link Variable.Role#DERIVED}, and what is left reads these (ADR 0019). The ops are the same ones in the same order, so that no bit of a result changes. The
 * values hold until a variable that they follow from is written; then the preparing graph must run again.
 *
 * <p>Kept is what the rest of the graph uses, unless it is a view, which costs nothing where it stands, or is larger than {@value #SMALL} bytes and than all variables that it
 * follows from together: reading it would then take longer than reading those, and it is computed at every step as before, from what comes before it if that is kept. Packed
 * weights ({@link Prepacking.Pack}) are kept at any size. What follows from an input, from a variable that the graph writes, or from random numbers stays.
 *
 * <p>An instance knows what it has frozen: the same value of the same variables in another graph, for another batch size, say, is the same variable. After {@link Fusion}, which
 * decides what the ops are. Not thread-safe.
 */
public final class Freeze {
    /** What names of frozen variables begin with. */
    public static final String PREFIX = "frozen.";

    /** Bytes that are kept whatever they follow from: less than a launch costs. */
    static final long SMALL = 1 << 16;

    private final BiPredicate<Op, List<TensorType>> hasKernel;
    private final Map<Expression, Integer> expressions = new HashMap<>();
    private final Map<Value, Variable> kept = new HashMap<>();

    /** A value as what it follows from: equal ones have equal numbers. */
    private record Expression(Op op, List<Value> inputs) {}

    /** An output of a numbered expression. */
    private record Value(int expression, int output) {}

    /**
     * A graph in two.
     *
     * @param preparing writes frozen variables, those that an earlier graph of the same {@link Freeze} had not; has neither inputs nor results
     * @param serving the rest: the graph's inputs, results and updates
     */
    public record Frozen(Graph preparing, Graph serving) {
        /** Variables that the preparing graph writes. */
        public List<Variable> variables() {
            return List.copyOf(preparing.updates().keySet());
        }
    }

    /** For a device, as {@link #Freeze(BiPredicate)} with the kernels that it has. */
    public Freeze(Backend backend) {
        this((op, types) -> backend.unsupported(op, types).isEmpty());
    }

    /**
     * With no value known yet. @param hasKernel whether a device has a kernel for an op and input types: composites that it has none for are expanded first, so that their parts
     * can be frozen
     */
    public Freeze(BiPredicate<Op, List<TensorType>> hasKernel) {
        this.hasKernel = hasKernel;
    }

    /** Splits a graph by itself. */
    public static Frozen of(Graph graph, Backend backend) {
        return new Freeze(backend).split(graph);
    }

    /** Splits a graph; what an earlier one has in common with it is not prepared again. */
    public Frozen split(Graph graph) {
        return new Split(graph.expand(n -> !hasKernel.test(n.op(), Graph.types(n.inputs())))).run();
    }

    /** One graph's. */
    private final class Split {
        private final Graph graph;
        private final Map<Node, Integer> derived = new IdentityHashMap<>();
        private final Map<Node, Set<Variable>> sources = new IdentityHashMap<>();
        private final Map<Symbol, Variable> frozen = new IdentityHashMap<>();
        private final Map<Variable, Symbol> fresh = new LinkedHashMap<>();

        Split(Graph graph) {
            this.graph = graph;
        }

        Frozen run() {
            Set<Node> live = graph.live();
            List<Node> nodes = graph.nodes().stream().filter(live::contains).toList();
            nodes.forEach(this::derive);
            Set<Symbol> chosen = choose(nodes);
            nodes.stream().flatMap(n -> n.outputs().stream()).filter(chosen::contains).forEach(this::keep);
            Graph preparing = Pass.withoutDeadNodes(new Graph(graph.nodes(), Map.of(), fresh));
            return new Frozen(preparing, Pass.withoutDeadNodes(graph.rewrite(this::serve)));
        }

        /** Numbers a node if it follows from variables and constants alone. */
        private void derive(Node n) {
            boolean fixed = switch (n.op()) {
                case Leaf.Input _ -> false;
                case Leaf.Read read -> !graph.updates().containsKey(read.variable());
                case Leaf.Fill _, Leaf.Literal _ -> true;
                case Random _ -> false;
                default -> n.inputs().stream().allMatch(s -> derived.containsKey(s.node()));
            };
            if (fixed) {
                derived.put(n, expressions.computeIfAbsent(new Expression(n.op(), n.inputs().stream().map(this::value).toList()), _ -> expressions.size()));
                Set<Variable> from = new HashSet<>();
                n.inputs().forEach(s -> from.addAll(sources.get(s.node())));
                if (n.op() instanceof Leaf.Read read) {
                    from.add(read.variable());
                }
                sources.put(n, from);
            }
        }

        private Value value(Symbol s) {
            return new Value(derived.get(s.node()), s.index());
        }

        /** What to keep: the nearest derived values that are worth it, seen from those that are needed at every step. */
        private Set<Symbol> choose(List<Node> nodes) {
            Set<Symbol> chosen = new HashSet<>();
            Set<Symbol> seen = new HashSet<>();
            Deque<Symbol> open = new ArrayDeque<>(graph.outputs().values());
            open.addAll(graph.updates().values());
            nodes.stream().filter(n -> !derived.containsKey(n)).forEach(n -> open.addAll(n.inputs()));
            while (!open.isEmpty()) {
                Symbol s = open.pop();
                if (derived.containsKey(s.node()) && !(s.node().op() instanceof Leaf) && seen.add(s)) {
                    if (isWorthKeeping(s)) {
                        chosen.add(s);
                    } else {
                        open.addAll(s.node().inputs());
                    }
                }
            }
            return chosen;
        }

        private boolean isWorthKeeping(Symbol s) {
            long from = sources.get(s.node()).stream().mapToLong(v -> v.type().bytes()).sum();
            Op op = s.node().op();
            return op instanceof Prepacking.Pack || !(op instanceof ViewOp) && s.type().bytes() <= Math.max(SMALL, from);
        }

        private void keep(Symbol s) {
            frozen.put(s, kept.computeIfAbsent(value(s), _ -> {
                Variable v = variable(s, kept.size());
                fresh.put(v, s);
                return v;
            }));
        }

        private List<Tensor> serve(Node n, List<Tensor> in) {
            if (n.outputs().stream().noneMatch(frozen::containsKey)) {
                return null;
            }
            // Nobody uses what is applied here but outputs that are not kept; without them it is dead.
            List<Tensor> out = new ArrayList<>(in.getFirst().context().apply(n.op(), in));
            for (Symbol s : n.outputs()) {
                if (frozen.containsKey(s)) {
                    out.set(s.index(), in.getFirst().context().read(frozen.get(s)));
                }
            }
            return out;
        }
    }

    /** {@code frozen.12.layer1.0.bn1.rsqrt}. */
    private static Variable variable(Symbol s, int number) {
        Node n = s.node();
        String name = PREFIX + number + "." + (n.label().isEmpty() ? "" : n.label() + ".") + n.op().name();
        Initializer none = (_, _) -> {
            throw new EngineBugException("initialize", "a frozen variable has no value of its own", name, "the preparing graph", "report this with the stack trace");
        };
        return new Variable(() -> name, s.type(), Variable.Role.DERIVED, none);
    }
}
