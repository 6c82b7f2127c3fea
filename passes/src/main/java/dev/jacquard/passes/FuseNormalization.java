package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;

/**
 * Makes one node of a normalisation, the sum with a shortcut and the activation behind it, as far as they follow each other and nobody else sees what is between them: of {@link BatchNorm} in
 * training, of {@code x * scale + shift} with one scale and shift per channel in evaluation. For graphs without gradients: those are taken of the fused graph (ADR 0011).
 */
public final class FuseNormalization implements Pass {
    private final BiPredicate<Op, List<TensorType>> supported;

    /** Fuses what a device has a kernel for; other devices compute what they always did. */
    public FuseNormalization(Backend backend) {
        this((op, in) -> backend.unsupported(op, in).isEmpty());
    }

    /** Fuses what a test says. @param supported told the fused op and the types of its inputs */
    public FuseNormalization(BiPredicate<Op, List<TensorType>> supported) {
        this.supported = supported;
    }

    @Override
    public Graph apply(Graph graph) {
        List<Contraction.Group> groups = new Search(graph).groups();
        return groups.isEmpty() ? graph : new Contraction(graph, groups).run();
    }

    /** Finds the chains of a graph. */
    private final class Search {
        private final Graph graph;
        private final Set<Node> live;
        private final Map<Symbol, List<Node>> uses;
        /** Members of chains; a sum of two normalisations belongs to the first. */
        private final Map<Node, Boolean> taken = new IdentityHashMap<>();

        Search(Graph graph) {
            this.graph = graph;
            this.live = graph.live();
            this.uses = graph.uses();
        }

        List<Contraction.Group> groups() {
            List<Contraction.Group> groups = new ArrayList<>();
            for (Node n : graph.nodes()) {
                if (live.contains(n) && (n.op() instanceof BatchNorm || perChannel(n))) {
                    Contraction.Group g = chain(n);
                    if (g.members().size() > 1 && supported.test(g.op(), Graph.types(g.inputs()))) {
                        groups.add(g);
                        g.members().forEach(m -> taken.put(m, true));
                    }
                }
            }
            return groups;
        }

        /** Whether a node is {@code x * scale + shift} with the latter two per channel. */
        private static boolean perChannel(Node n) {
            if (!(n.op() instanceof Pointwise.MulAdd)) {
                return false;
            }
            TensorType x = n.inputs().getFirst().type();
            return x.shape().rank() > 1 && n.inputs().stream().skip(1).allMatch(s -> s.type().shape().rank() == 1 && s.type().shape().dim(0) == x.shape().dim(-1));
        }

        /** The chain that begins at a normalisation. */
        private Contraction.Group chain(Node head) {
            List<Node> members = new ArrayList<>(List.of(head));
            List<Symbol> inputs = new ArrayList<>(head.inputs());
            Symbol y = head.outputs().getFirst();
            Node next = follower(y);
            boolean residual = next != null && next.op() instanceof Pointwise.Add && next.inputs().stream().allMatch(s -> s.type().equals(head.outputs().getFirst().type()));
            if (residual) {
                inputs.add(next.inputs().get(next.inputs().getFirst() == y ? 1 : 0));
                members.add(next);
                y = next.outputs().getFirst();
                next = follower(y);
            }
            Nonlinearity activation = next == null ? Nonlinearity.NONE : activation(next.op());
            if (activation != Nonlinearity.NONE) {
                members.add(next);
                y = next.outputs().getFirst();
            }
            List<Symbol> results = new ArrayList<>(head.outputs()); // the statistics of a batch stay
            results.set(0, y);
            Op op = head.op() instanceof BatchNorm b ? new BatchNormActivation(b.eps(), activation, residual) : new ScaleShift(activation, residual);
            return new Contraction.Group(members, op, inputs, results, head.label());
        }

        private static Nonlinearity activation(Op op) {
            return switch (op) {
                case Pointwise.Relu _ -> Nonlinearity.RELU;
                case Pointwise.Silu _ -> Nonlinearity.SILU;
                default -> Nonlinearity.NONE;
            };
        }

        /** The one node that uses a value, if there is one and the value is no result. */
        private Node follower(Symbol s) {
            List<Node> all = uses.getOrDefault(s, List.of()).stream().filter(live::contains).toList();
            boolean seen = graph.outputs().containsValue(s) || graph.updates().containsValue(s);
            return all.size() == 1 && !seen && !taken.containsKey(all.getFirst()) ? all.getFirst() : null;
        }
    }
}
