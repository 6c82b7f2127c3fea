package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
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
 * Makes one node of a normalisation, the sum with a shortcut and the activation behind it, as far as they follow each other and nobody else sees what is between them: of
 * {@link BatchNorm} in training, of {@link ScaleShift} in evaluation. For graphs without gradients: those are taken of the fused graph (ADR 0011).
 */
public final class FuseNormalization extends ChainFusion {
    private static final ScaleShift PLAIN = new ScaleShift(Nonlinearity.NONE, false);

    /** Fuses what a device has a kernel for. */
    public FuseNormalization(Backend backend) {
        super(backend);
    }

    /** Fuses what a test says. @param supported told the fused op and the types of its inputs */
    public FuseNormalization(BiPredicate<Op, List<TensorType>> supported) {
        super(supported);
    }

    /** From a normalisation on; a sum of two of them belongs to the first. */
    @Override
    List<Contraction.Group> chain(Node head, Users users) {
        if (!(head.op() instanceof BatchNorm) && !head.op().equals(PLAIN)) {
            return List.of();
        }
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
        return members.size() == 1 ? List.of() : List.of(new Contraction.Group(members, op, inputs, results, head.label()));
    }
}
