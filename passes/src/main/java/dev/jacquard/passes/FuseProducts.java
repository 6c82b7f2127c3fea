package dev.jacquard.passes;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeActivation;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;

/**
 * Gives convolutions and matrix products what a kernel can do to their sums before it stores them:
 *
 * <ul>
 * <li>a convolution and the {@link ScaleShift} behind it become {@link ConvolutionScaleShift}, if nobody else sees what is between them: evaluation;
 * <li>a convolution whose result is normalised by the statistics of the batch makes these, too: {@link ConvolutionStatistics} and {@link NormalizeActivation} instead of
 *     {@link Conv2d} and {@link BatchNormActivation}. They have the same values for whoever uses them, as the backward nodes do;
 * <li>a matrix product, its bias and an activation become {@link MatMulShift}. In half precision it takes the F32 bias from before its cast; one that never was F32 stays apart.
 * </ul>
 *
 * <p>For whole graphs, gradients included, after {@link FuseNormalization}: gradients are those of the ops before this pass.
 */
public final class FuseProducts extends ChainFusion {
    /** Fuses what a device has a kernel for. */
    public FuseProducts(Backend backend) {
        super(backend);
    }

    /** Fuses what a test says. @param supported told the fused op and the types of its inputs */
    public FuseProducts(BiPredicate<Op, List<TensorType>> supported) {
        super(supported);
    }

    @Override
    List<Contraction.Group> chain(Node head, Users users) {
        return switch (head.op()) {
            case Conv2d c -> convolution(head, c, users);
            case MatMul m -> product(head, m, users);
            default -> List.of();
        };
    }

    private static List<Contraction.Group> convolution(Node conv, Conv2d c, Users users) {
        Symbol y = conv.outputs().getFirst();
        Node next = users.only(y);
        if (next != null && next.op() instanceof ScaleShift s && next.inputs().getFirst() == y) {
            return List.of(new Contraction.Group(List.of(conv, next), new ConvolutionScaleShift(c.window(), c.groups(), s.activation(), s.residual()),
                    joined(conv.inputs(), next.inputs().subList(1, next.inputs().size())), next.outputs(), conv.label()));
        }
        return users.of(y).stream().filter(n -> users.isFree(n) && n.inputs().getFirst() == y && normalised(n) != null).findFirst().map(n -> statistics(conv, c, n))
                .orElse(List.of());
    }

    /** What follows the statistics in a batch normalisation; null if a node is none. */
    private static NormalizeActivation normalised(Node n) {
        return switch (n.op()) {
            case BatchNorm b -> new NormalizeActivation(b.eps(), Nonlinearity.NONE, false);
            case BatchNormActivation b -> new NormalizeActivation(b.eps(), b.activation(), b.residual());
            default -> null;
        };
    }

    /** The statistics go over from the normalisation to the convolution. */
    private static List<Contraction.Group> statistics(Node conv, Conv2d c, Node norm) {
        List<Symbol> known = norm.outputs().subList(1, 3);
        List<Symbol> in = new ArrayList<>(norm.inputs());
        in.addAll(3, known); // after x, gamma and beta; a residual comes last
        return List.of(
                new Contraction.Group(List.of(conv), new ConvolutionStatistics(c.window(), c.groups()), conv.inputs(), joined(conv.outputs(), known), conv.label()),
                new Contraction.Group(List.of(norm), normalised(norm), in, norm.outputs().subList(0, 1), norm.label()));
    }

    private static List<Contraction.Group> product(Node product, MatMul m, Users users) {
        Symbol y = product.outputs().getFirst();
        Node sum = users.only(y);
        if (sum == null || !(sum.op() instanceof Pointwise.Add)) {
            return List.of();
        }
        Symbol added = sum.inputs().get(sum.inputs().getFirst() == y ? 1 : 0);
        Symbol bias = wide(added);
        if (bias == null || !Users.perChannel(bias, y.type())) {
            return List.of();
        }
        List<Node> members = new ArrayList<>(List.of(product, sum));
        if (bias != added && users.only(added) == sum) {
            members.add(added.node());
        }
        Node next = users.only(sum.outputs().getFirst());
        Nonlinearity activation = Users.activation(next);
        if (activation != Nonlinearity.NONE) {
            members.add(next);
        }
        List<Symbol> results = activation == Nonlinearity.NONE ? sum.outputs() : next.outputs();
        return List.of(new Contraction.Group(members, new MatMulShift(m.transposeA(), m.transposeB(), activation), joined(product.inputs(), List.of(bias)), results,
                product.label()));
    }

    /** A bias in the wide type, which is how fused products take it: as it is, or before its cast to half precision; null if it never was wide. */
    private static Symbol wide(Symbol bias) {
        DType own = bias.type().dtype();
        if (!own.isHalf()) {
            return bias;
        }
        Node n = bias.node();
        return n.op() instanceof Movement.Cast && n.inputs().getFirst().type().dtype() == own.wide() ? n.inputs().getFirst() : null;
    }

    private static List<Symbol> joined(List<Symbol> first, List<Symbol> then) {
        List<Symbol> all = new ArrayList<>(first);
        all.addAll(then);
        return List.copyOf(all);
    }
}
