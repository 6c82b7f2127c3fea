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
import java.util.List;
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

    /** Finds the chains of a graph; a sum of two normalisations belongs to the first. */
    private final class Search {
        private final Users users;

        Search(Graph graph) {
            this.users = new Users(graph);
        }

        List<Contraction.Group> groups() {
            List<Contraction.Group> groups = new ArrayList<>();
            for (Node n : users.free()) {
                if (n.op() instanceof BatchNorm || Users.scalesAndShifts(n)) {
                    Contraction.Group g = chain(n);
                    if (g.members().size() > 1 && supported.test(g.op(), Graph.types(g.inputs()))) {
                        groups.add(g);
                        users.take(g.members());
                    }
                }
            }
            return groups;
        }

        /** The chain that begins at a normalisation. */
        private Contraction.Group chain(Node head) {
            List<Node> members = new ArrayList<>(List.of(head));
            List<Symbol> inputs = new ArrayList<>(head.inputs());
            Symbol y = head.outputs().getFirst();
            Node next = users.only(y);
            boolean residual = next != null && next.op() instanceof Pointwise.Add && next.inputs().stream().allMatch(s -> s.type().equals(head.outputs().getFirst().type()));
            if (residual) {
                inputs.add(next.inputs().get(next.inputs().getFirst() == y ? 1 : 0));
                members.add(next);
                y = next.outputs().getFirst();
                next = users.only(y);
            }
            Nonlinearity activation = Users.activation(next);
            if (activation != Nonlinearity.NONE) {
                members.add(next);
                y = next.outputs().getFirst();
            }
            List<Symbol> results = new ArrayList<>(head.outputs()); // the statistics of a batch stay
            results.set(0, y);
            Op op = head.op() instanceof BatchNorm b ? new BatchNormActivation(b.eps(), activation, residual) : new ScaleShift(activation, residual);
            return new Contraction.Group(members, op, inputs, results, head.label());
        }
    }
}
