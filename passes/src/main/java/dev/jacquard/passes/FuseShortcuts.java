package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeActivation;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataSum;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNormBackward;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import java.util.List;
import java.util.Objects;
import java.util.function.BiPredicate;
import java.util.stream.Stream;

/**
 * Where the gradients of a convolution and of a shortcut meet, adds the latter to the former's sums before they are stored ({@link BackwardDataSum}), and, if the images came out
 * of a ReLU, lets the gradient through that at once. Then the shortcut of the block before has its gradient ready, and the normalisation on the other side is one without an
 * activation: it need not read the shortcut to find out where the activation was zero, nor write down what came through it. In a residual network four of eleven passes over a
 * block's images are left out.
 *
 * <p>For whole graphs, gradients included.
 */
public final class FuseShortcuts extends ChainFusion {
    /** Fuses what a device has kernels for. */
    public FuseShortcuts(Backend backend) {
        super(backend);
    }

    /** Fuses what a test says. @param supported told the fused op and the types of its inputs */
    public FuseShortcuts(BiPredicate<Op, List<TensorType>> supported) {
        super(supported);
    }

    @Override
    List<Contraction.Group> chain(Node head, Users users) {
        if (!(head.op() instanceof Conv2dBackwardData d)) {
            return List.of();
        }
        Symbol dx = head.outputs().getFirst();
        Node add = users.only(dx);
        if (add == null || !(add.op() instanceof Pointwise.Add) || add.inputs().stream().anyMatch(s -> !s.type().equals(dx.type()))) {
            return List.of();
        }
        Symbol other = add.inputs().get(add.inputs().getFirst() == dx ? 1 : 0);
        if (other == dx || skips(d) && users.isFree(other.node()) && other.node().op() instanceof Conv2dBackwardData o && !skips(o)) {
            return List.of(); // the other one is the better part of a sum of two
        }
        Symbol sum = add.outputs().getFirst();
        Node next = users.only(sum);
        if (next != null && next.inputs().getFirst() == sum) {
            if (next.op() instanceof Pointwise.ReluBackward && next.inputs().get(1).type().equals(sum.type())) {
                return List.of(group(head, d, List.of(head, add, next), other, next.inputs().get(1), next.outputs()));
            }
            Symbol y = rectified(next, users);
            if (y != null) {
                return throughNormalization(head, d, add, other, next, y);
            }
        }
        return List.of(group(head, d, List.of(head, add), other, null, add.outputs()));
    }

    private static boolean skips(Conv2dBackwardData d) {
        return d.window().strideH() > 1 || d.window().strideW() > 1;
    }

    /** The result of the ReLU behind the normalisation and the sum whose gradients a node computes; null if it is no such node, or nobody has that result. */
    private static Symbol rectified(Node backward, Users users) {
        if (!(backward.op() instanceof BatchNormActivationBackward b) || !b.residual() || b.activation() != Nonlinearity.RELU) {
            return null;
        }
        List<Symbol> in = backward.inputs(); // dy, x, gamma, beta, mean, variance, residual
        return users.of(in.get(1)).stream().filter(n -> isForward(n.op(), b) && n.inputs().subList(0, 3).equals(in.subList(1, 4)) && n.inputs().getLast() == in.getLast())
                .map(n -> n.outputs().getFirst()).findFirst().orElse(null);
    }

    private static boolean isForward(Op op, BatchNormActivationBackward b) {
        return switch (op) {
            case BatchNormActivation f -> f.equals(new BatchNormActivation(b.eps(), b.activation(), true));
            case NormalizeActivation f -> f.equals(new NormalizeActivation(b.eps(), b.activation(), true));
            default -> false;
        };
    }

    /** What was the shortcut's gradient, the normalisation's last result, is the sum's now. */
    private static List<Contraction.Group> throughNormalization(Node head, Conv2dBackwardData d, Node add, Symbol other, Node norm, Symbol y) {
        List<Symbol> in = norm.inputs();
        Symbol g = norm.outputs().getLast();
        Op plain = new BatchNormBackward(((BatchNormActivationBackward) norm.op()).eps());
        return List.of(group(head, d, List.of(head, add), other, y, List.of(g)),
                new Contraction.Group(List.of(norm), plain, List.of(g, in.get(1), in.get(2), in.get(4), in.get(5)), norm.outputs().subList(0, 3), norm.label()));
    }

    /** @param y result of the ReLU, null for none */
    private static Contraction.Group group(Node head, Conv2dBackwardData d, List<Node> members, Symbol other, Symbol y, List<Symbol> results) {
        List<Symbol> in = Stream.of(head.inputs().get(0), head.inputs().get(1), other, y).filter(Objects::nonNull).toList();
        return new Contraction.Group(members, new BackwardDataSum(d.window(), d.groups(), d.h(), d.w(), y != null), in, results, head.label());
    }
}
