package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataSum;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseShortcutsTest {
    private static final Pass NORMALIZATION = new FuseNormalization((_, _) -> true);
    private static final Pass SHORTCUTS = new FuseShortcuts((_, _) -> true);

    private final GraphBuilder b = new GraphBuilder(true);
    private final Tensor x = b.input("x", TensorType.f32(2, 6, 6, 8));
    private int parameters;

    private Tensor parameter(long... dims) {
        return b.input("p" + parameters++, TensorType.f32(dims));
    }

    private Tensor conv(Tensor in, long k, int stride) {
        return in.conv2d(parameter(k, 1, 1, in.shape().dim(3)), Window.of(stride, 0), 1);
    }

    private Tensor normal(Tensor in) {
        long c = in.shape().dim(3);
        return in.applyAll(new BatchNorm(1e-5), parameter(c), parameter(c)).getFirst();
    }

    /** A residual network's block, of one convolution. */
    private Tensor block(Tensor in) {
        return normal(conv(in, 8, 1)).add(in).relu();
    }

    /** The step of a network: its value and x's gradient, after the passes. */
    private Graph step(Tensor y) {
        b.output("y", y.sum());
        Symbol sum = NORMALIZATION.apply(b.build()).outputs().get("y");
        Tensor image = sum.context().apply(x.origin().orElseThrow().op(), List.of()).getFirst();
        sum.builder().output("dx", Gradients.of(sum, List.of(image)).getFirst());
        return SHORTCUTS.apply(sum.builder().build()).verify();
    }

    private static List<Node> of(Graph g, String name) {
        return g.nodes().stream().filter(n -> n.op().name().equals(name)).toList();
    }

    private static List<Boolean> rectified(Graph g) {
        return of(g, "backward_data_sum").stream().map(n -> ((BackwardDataSum) n.op()).rectified()).toList();
    }

    /** The last block's normalisation goes on as it was: no convolution is behind it. What comes to the images is nobody's ReLU. */
    @Test
    void aGradientIsSummedAndRectifiedWhereItIsMade() {
        Graph g = step(block(block(block(x))));
        assertEquals(List.of(true, true, false), rectified(g), g.print());
        assertEquals(0, of(g, "add").size() + of(g, "conv2d_backward_data").size());
        assertEquals(List.of(1, 2), List.of(of(g, "batch_norm_activation_backward").size(), of(g, "batch_norm_backward").size()));
        Symbol first = of(g, "backward_data_sum").get(0).outputs().getFirst();
        assertSame(first, of(g, "batch_norm_backward").getFirst().inputs().getFirst(), "the normalisation's gradient");
        assertSame(first, of(g, "backward_data_sum").get(1).inputs().get(2), "the shortcut's");
        assertSame(of(g, "batch_norm_activation").get(1).outputs().getFirst(), of(g, "backward_data_sum").getFirst().inputs().getLast(), "what the ReLU made");
    }

    /** As behind a squeeze and excitation. */
    @Test
    void aReluOfItsOwnIsTaken() {
        Tensor y = conv(x, 8, 1).mul(2).add(x).relu();
        Graph g = step(conv(y, 8, 1).mul(2).add(y).relu());
        assertEquals(List.of(true, false), rectified(g), g.print());
        assertEquals(1, of(g, "relu_backward").size(), "the last block's");
    }

    /** A convolution with a stride writes zeros between its sums; the other one takes those. */
    @Test
    void ofTwoConvolutionsTheOneWithoutStrideTakesTheOther() {
        Graph g = step(conv(conv(x, 8, 1), 4, 2).add(conv(x, 4, 2)));
        assertEquals(List.of(false), rectified(g), g.print());
        assertEquals(1, ((BackwardDataSum) of(g, "backward_data_sum").getFirst().op()).window().strideH());
        assertEquals(2, of(g, "conv2d_backward_data").size());
    }

    private Graph sum(boolean seen, boolean twice) {
        Tensor d = x.apply(new Conv2dBackwardData(Window.of(1, 0), 1, 6, 6), parameter(8, 1, 1, 8));
        Tensor sum = d.add(twice ? d : b.input("r", TensorType.f32(2, 6, 6, 8)));
        b.output("sum", sum);
        if (seen) {
            b.output("d", d);
        }
        return b.build();
    }

    @Test
    void aSumMayBeAResult() {
        assertEquals(List.of(false), rectified(SHORTCUTS.apply(sum(false, false)).verify()));
    }

    @Test
    void aGradientThatOthersSeeStays() {
        Graph g = sum(true, false);
        assertSame(g, SHORTCUTS.apply(g));
    }

    @Test
    void aGradientIsNotItsOwnShortcut() {
        Graph g = sum(false, true);
        assertSame(g, SHORTCUTS.apply(g));
    }

    @Test
    void aDeviceWithoutAKernelKeepsItsGraph() {
        Graph g = sum(false, false);
        assertSame(g, new FuseShortcuts((_, _) -> false).apply(g));
    }
}
