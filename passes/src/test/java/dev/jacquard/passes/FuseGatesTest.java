package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.GatedConvolution;
import dev.jacquard.tensor.op.Gating.Gate;
import dev.jacquard.tensor.op.Gating.GateResidual;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.SqueezeExcitation.SqueezeExcite;
import dev.jacquard.tensor.op.Window;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseGatesTest {
    private static final Pass GATES = new FuseGates((_, _) -> true);

    private final GraphBuilder b = new GraphBuilder(true);
    private final Tensor x = b.input("x", TensorType.f32(2, 6, 6, 8));
    private final List<Tensor> gated = x.applyAll(new SqueezeExcite(Nonlinearity.SILU), input("w1", 4, 8), input("b1", 4), input("w2", 8, 4), input("b2", 8));

    private Tensor input(String name, long... dims) {
        return b.input(name, TensorType.f32(dims));
    }

    private Graph graph(Tensor y) {
        b.output("y", y);
        return b.build();
    }

    private List<Op> fused(Tensor y) {
        return GATES.apply(graph(y)).verify().nodes().stream().map(Node::op).filter(op -> !(op instanceof Leaf)).toList();
    }

    private Tensor convolution(int r, boolean residual) {
        ConvolutionScaleShift op = new ConvolutionScaleShift(Window.of(1, r / 2), 1, Nonlinearity.NONE, residual);
        Tensor y = gated.getFirst();
        return residual ? y.apply(op, input("w", 5, r, r, 8), input("scale", 5), input("shift", 5), input("r", 2, 6, 6, 5))
                : y.apply(op, input("w", 5, r, r, 8), input("scale", 5), input("shift", 5));
    }

    @Test
    void theEndOfAResidualBlock() {
        assertEquals(List.of(new Gate(Nonlinearity.SILU), new GateResidual(Nonlinearity.RELU)), fused(input("shortcut", 2, 6, 6, 8).add(gated.getFirst()).relu()));
    }

    @Test
    void aSumWithoutActivation() {
        assertEquals(List.of(new Gate(Nonlinearity.SILU), new GateResidual(Nonlinearity.NONE)), fused(gated.getFirst().add(input("shortcut", 2, 6, 6, 8))));
    }

    @Test
    void aProjection() {
        assertEquals(List.of(new Gate(Nonlinearity.SILU), new GatedConvolution(Nonlinearity.NONE, false)), fused(convolution(1, false)));
    }

    /** The residual stays the last input: its type would not fit the gate's place. */
    @Test
    void aProjectionWithShortcut() {
        assertEquals(List.of(new Gate(Nonlinearity.SILU), new GatedConvolution(Nonlinearity.NONE, true)), fused(convolution(1, true)));
    }

    @Test
    void aKernelThatSeesNeighboursStays() {
        Graph g = graph(convolution(3, false));
        assertSame(g, GATES.apply(g));
    }

    @Test
    void whatGradientsNeedIsKept() {
        Graph g = GATES.apply(graph(gated.getFirst().add(input("shortcut", 2, 6, 6, 8)).add(gated.get(1).sum()))).verify();
        List<String> ops = g.nodes().stream().map(Node::op).filter(op -> !(op instanceof Leaf)).map(Op::name).toList();
        assertEquals(List.of("kept_gate", "sum", "gate_residual", "add"),
                ops.stream().sorted(Comparator.comparing(List.of("kept_gate", "sum", "gate_residual", "add")::indexOf)).toList());
    }

    /** As gradients of the projection's weights do. */
    @Test
    void aProductThatOthersSeeStays() {
        b.output("seen", gated.getFirst());
        Graph g = graph(gated.getFirst().add(input("shortcut", 2, 6, 6, 8)));
        assertSame(g, GATES.apply(g));
    }

    @Test
    void productsThatOthersUseStay() {
        Tensor y = gated.getFirst();
        Graph g = graph(y.add(input("shortcut", 2, 6, 6, 8)).mul(y));
        assertSame(g, GATES.apply(g));
    }

    @Test
    void withoutKernelsNothingHappens() {
        Graph g = graph(convolution(1, true));
        assertSame(g, new FuseGates((op, _) -> op instanceof Gate).apply(g));
    }
}
