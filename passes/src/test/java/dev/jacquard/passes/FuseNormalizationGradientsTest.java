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
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedProduct.BackwardDataStatistics;
import dev.jacquard.tensor.op.FusedProduct.Rectifier;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class FuseNormalizationGradientsTest {
    private static final Pass NORMALIZATION = new FuseNormalization((_, _) -> true);
    private static final Pass SHORTCUTS = new FuseShortcuts((_, _) -> true);
    private static final Pass SUMS = new FuseNormalizationGradients((_, _) -> true);

    private final GraphBuilder b = new GraphBuilder(true);
    private final Tensor x = b.input("x", TensorType.f32(2, 6, 6, 8));
    private int parameters;

    private Tensor parameter(long... dims) {
        return b.input("p" + parameters++, TensorType.f32(dims));
    }

    private Tensor conv(Tensor in) {
        return in.conv2d(parameter(8, 1, 1, 8), Window.of(1, 0), 1);
    }

    private Tensor normal(Tensor in) {
        return in.applyAll(new BatchNorm(1e-5), parameter(8), parameter(8)).getFirst();
    }

    private Tensor block(Tensor in) {
        return normal(conv(in)).add(in).relu();
    }

    /** The step of a network: its value and x's gradient, after all passes but the last. */
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

    private static BackwardDataStatistics only(Graph g) {
        assertEquals(1, of(g, "backward_data_statistics").size(), g.print());
        return (BackwardDataStatistics) of(g, "backward_data_statistics").getFirst().op();
    }

    /** One convolution and normalisation behind another, with something between: the sums of the first normalisation are made by the second convolution. */
    private Graph chain(UnaryOperator<Tensor> between) {
        return SUMS.apply(step(conv(between.apply(normal(conv(x)))))).verify();
    }

    @Test
    void aNormalisationAloneGetsItsSums() {
        Graph g = chain(y -> y);
        assertEquals(Rectifier.NONE, only(g).rectifier());
        assertEquals(0, of(g, "batch_norm_backward").size());
        Node sums = of(g, "backward_data_statistics").getFirst();
        Node rest = of(g, "normalize_backward").getFirst();
        assertEquals(List.of(sums.outputs().get(0), sums.outputs().get(1), sums.outputs().get(2)),
                List.of(rest.inputs().get(0), rest.inputs().get(5), rest.inputs().get(6)));
        assertSame(of(g, "conv2d").getFirst().outputs().getFirst(), sums.inputs().get(2), "what was normalised");
        assertSame(rest.outputs().getFirst(), of(g, "conv2d_backward_data").getFirst().inputs().getFirst(), "what goes on");
    }

    @Test
    void aReluIsComputedAgain() {
        Graph g = chain(Tensor::relu);
        assertEquals(Rectifier.NORMALISED, only(g).rectifier());
        assertEquals(0, of(g, "batch_norm_activation_backward").size());
        assertEquals(7, of(g, "backward_data_statistics").getFirst().inputs().size());
    }

    @Test
    void anotherActivationStays() {
        Graph g = chain(Tensor::silu);
        assertEquals(1, of(g, "batch_norm_activation_backward").size(), g.print());
        assertEquals(0, of(g, "backward_data_statistics").size());
    }

    /** In a block the shortcut's gradient is in it, and the ReLU's result says where it goes on; the last block's normalisation has no convolution behind it. */
    @Test
    void shortcutsAndTheirReluAreTaken() {
        Graph g = SUMS.apply(step(block(block(x)))).verify();
        BackwardDataStatistics sums = only(g);
        assertEquals(Rectifier.RESULT, sums.rectifier());
        assertEquals(true, sums.residual());
        assertEquals(1, of(g, "backward_data_sum").size(), "that of x, which nobody normalised");
        Symbol first = of(g, "backward_data_statistics").getFirst().outputs().getFirst();
        assertSame(first, of(g, "backward_data_sum").getFirst().inputs().get(2), "still the shortcut's gradient");
        assertSame(of(g, "batch_norm_activation").getFirst().outputs().getFirst(), of(g, "backward_data_statistics").getFirst().inputs().getLast());
    }

    @Test
    void theSumOfTwoConvolutionsIsTaken() {
        Tensor y = normal(conv(x)).relu();
        Graph g = SUMS.apply(step(conv(y).add(conv(y)))).verify();
        assertEquals(List.of(true, Rectifier.NORMALISED), List.of(only(g).residual(), only(g).rectifier()));
    }

    /** A gradient, and those of a normalisation with what is behind it. */
    private Graph seen(Nonlinearity activation) {
        Tensor d = x.apply(new Conv2dBackwardData(Window.of(1, 0), 1, 6, 6), parameter(8, 1, 1, 8));
        Tensor image = b.input("image", TensorType.f32(2, 6, 6, 8));
        b.output("d", d);
        b.output("dx", d.applyAll(new BatchNormActivationBackward(1e-5, activation, false), image, parameter(8), parameter(8), parameter(8), parameter(8)).getFirst());
        return b.build();
    }

    /** Behind the ReLU it would be another. */
    @Test
    void aGradientThatOthersSeeStays() {
        Graph g = seen(Nonlinearity.RELU);
        assertSame(g, SUMS.apply(g));
    }

    @Test
    void aDeviceWithoutAKernelKeepsItsGraph() {
        Graph g = step(conv(normal(conv(x))));
        assertSame(g, new FuseNormalizationGradients((_, _) -> false).apply(g));
    }
}
