package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeBackward;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataStatistics;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataSum;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNormBackward;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.stream.Stream;

/**
 * Takes the sums that a batch normalisation's gradient needs where its operand is made: {@link BackwardDataStatistics} and {@link NormalizeBackward} instead of a convolution's
 * gradient and {@link BatchNormBackward} or, behind a ReLU, {@link BatchNormActivationBackward}. One of two passes over the gradient and over what was normalised is left out.
 *
 * <p>For whole graphs, gradients included, after {@link FuseShortcuts}, whose sums are taken as well: a gradient that several normalisations use is summed for the first of them.
 */
public final class FuseNormalizationGradients extends ChainFusion {
    /** Fuses what a device has kernels for. */
    public FuseNormalizationGradients(Backend backend) {
        super(backend);
    }

    /** Fuses what a test says. @param supported told the fused op and the types of its inputs */
    public FuseNormalizationGradients(BiPredicate<Op, List<TensorType>> supported) {
        super(supported);
    }

    @Override
    List<Contraction.Group> chain(Node head, Users users) {
        return switch (head.op()) {
            case Conv2dBackwardData d -> normalisation(head, users, true).map(n -> groups(head, d, false, false, n)).orElse(List.of());
            case BackwardDataSum s -> normalisation(head, users, !s.rectified()).map(n -> groups(head, s.product(), true, s.rectified(), n)).orElse(List.of());
            default -> List.of();
        };
    }

    /** A normalisation whose gradients a node computes from a gradient and its images, both of one type. */
    private record Normalisation(Node node, double eps, boolean activated) {}

    /** @param activated whether there may be a ReLU between */
    private static Optional<Normalisation> normalisation(Node head, Users users, boolean activated) {
        Symbol dx = head.outputs().getFirst();
        return users.of(dx).stream().filter(n -> users.isFree(n) && n.inputs().getFirst() == dx).flatMap(n -> switch (n.op()) {
            case BatchNormBackward b -> Stream.of(new Normalisation(n, b.eps(), false));
            case BatchNormActivationBackward b when activated && !b.residual() && b.activation() == Nonlinearity.RELU && users.only(dx) == n ->
                    Stream.of(new Normalisation(n, b.eps(), true));
            default -> Stream.<Normalisation>empty();
        }).findFirst();
    }

    /** The sums go over from the normalisation to the convolution; behind a ReLU so does the gradient that this lets through, which the convolution's alone stood for. */
    private static List<Contraction.Group> groups(Node head, Conv2dBackwardData d, boolean residual, boolean rectified, Normalisation n) {
        List<Symbol> norm = n.node.inputs(); // dy, x, gamma, beta if activated, mean, variance
        Symbol x = norm.get(1);
        Symbol gamma = norm.get(2);
        List<Symbol> moments = norm.subList(norm.size() - 2, norm.size());
        List<Symbol> in = new ArrayList<>(head.inputs());
        in.add(2, x); // after dy and weights; residual and result come last
        in.addAll(3, moments);
        if (n.activated) {
            in.addAll(5, List.of(gamma, norm.get(3)));
        }
        Rectifier rectifier = n.activated ? Rectifier.NORMALISED : rectified ? Rectifier.RESULT : Rectifier.NONE;
        Symbol g = head.outputs().getFirst();
        List<Symbol> sums = n.node.outputs().subList(1, 3);
        return List.of(
                new Contraction.Group(List.of(head), new BackwardDataStatistics(d.window(), d.groups(), d.h(), d.w(), residual, rectifier, n.eps), in,
                        List.of(g, sums.get(0), sums.get(1)), head.label()),
                new Contraction.Group(List.of(n.node), new NormalizeBackward(n.eps), List.of(g, x, gamma, moments.get(0), moments.get(1), sums.get(0), sums.get(1)),
                        n.node.outputs().subList(0, 1), n.node.label()));
    }
}
