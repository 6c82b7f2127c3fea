package dev.jacquard.passes;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.GatedConvolution;
import dev.jacquard.tensor.op.Gating.Gate;
import dev.jacquard.tensor.op.Gating.GateResidual;
import dev.jacquard.tensor.op.Gating.KeptGate;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;

/**
 * Joins the product of images and their gates ({@link SqueezeExcite}) to what follows it, so that it is never stored: the sum with a shortcut and an activation (residual
 * networks), or the 1x1 convolution that projects it, with its epilogue (EfficientNet, in evaluations: gradients of the projection's weights need the product). What gradients need
 * of the gate, which evaluations do not, is kept ({@link KeptGate}). After {@link FuseProducts}.
 */
public final class FuseGates extends ChainFusion {
    /** Fuses what a device has kernels for. */
    public FuseGates(Backend backend) {
        super(backend);
    }

    /** Fuses what a test says. @param supported told the fused op and the types of its inputs */
    public FuseGates(BiPredicate<Op, List<TensorType>> supported) {
        super(supported);
    }

    @Override
    List<Contraction.Group> chain(Node head, Users users) {
        if (!(head.op() instanceof SqueezeExcite s)) {
            return List.of();
        }
        boolean kept = head.outputs().subList(1, 4).stream().anyMatch(o -> !users.of(o).isEmpty());
        Symbol y = head.outputs().getFirst();
        Symbol gate = head.outputs().getLast();
        Symbol x = head.inputs().getFirst();
        Node next = users.only(y);
        Contraction.Group gates = kept ? new Contraction.Group(List.of(head), new KeptGate(s.activation()), head.inputs(), head.outputs().subList(1, 4), head.label())
                : new Contraction.Group(List.of(head), new Gate(s.activation()), head.inputs(), List.of(gate), head.label());
        return switch (next == null ? null : next.op()) {
            case Pointwise.Add _ when next.inputs().stream().allMatch(i -> i.type().equals(y.type())) -> List.of(gates, sum(next, x, gate, y, users));
            case ConvolutionScaleShift c when c.groups() == 1 && c.window().equals(Window.of(1, 0)) && next.inputs().getFirst() == y
                    && isPointwise(next) -> List.of(gates, projection(next, c, x, gate));
            case null, default -> List.of();
        };
    }

    private static boolean isPointwise(Node conv) {
        return conv.inputs().get(1).type().shape().dim(1) == 1 && conv.inputs().get(1).type().shape().dim(2) == 1;
    }

    private static Contraction.Group sum(Node add, Symbol x, Symbol gate, Symbol y, Users users) {
        List<Node> members = new ArrayList<>(List.of(add));
        Symbol shortcut = add.inputs().get(add.inputs().getFirst() == y ? 1 : 0);
        Node next = users.only(add.outputs().getFirst());
        Nonlinearity activation = Users.activation(next);
        if (activation != Nonlinearity.NONE) {
            members.add(next);
        }
        return new Contraction.Group(members, new GateResidual(activation), List.of(x, gate, shortcut), members.getLast().outputs(), add.label());
    }

    private static Contraction.Group projection(Node conv, ConvolutionScaleShift c, Symbol x, Symbol gate) {
        List<Symbol> in = new ArrayList<>(conv.inputs());
        in.set(0, x);
        in.add(4, gate); // after images, weights, scale and shift; a residual comes last
        return new Contraction.Group(List.of(conv), new GatedConvolution(c.activation(), c.residual()), in, conv.outputs(), conv.label());
    }
}
