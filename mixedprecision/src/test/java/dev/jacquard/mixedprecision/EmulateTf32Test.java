package dev.jacquard.mixedprecision;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Pointwise.RoundTf32;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where roundings are put, and where not. What they come to is Tf32ReferenceTest's to show. */
class EmulateTf32Test {
    private static final TensorType IMAGES = TensorType.f32(2, 6, 6, 8);

    private final GraphBuilder b = new GraphBuilder(false);

    private Graph emulated() {
        return new EmulateTf32().apply(b.build()).verify();
    }

    private static long roundings(Graph g) {
        return g.nodes().stream().filter(n -> n.op() instanceof RoundTf32).count();
    }

    private static Node node(Graph g, String op) {
        return g.nodes().stream().filter(n -> n.op().name().equals(op)).findFirst().orElseThrow();
    }

    private void convolution(DType type, int groups, long... weights) {
        Tensor x = b.input("x", IMAGES.withDType(type));
        Tensor w = b.input("w", TensorType.of(type, weights));
        Tensor y = x.apply(new Conv2d(Window.of(1, 1), groups), w);
        b.output("y", y);
        List<Tensor> gradients = Gradients.of(y, b.input("dy", y.type()), List.of(x, w));
        b.output("dx", gradients.get(0));
        b.output("dw", gradients.get(1));
    }

    /** Images, weights and their gradient: three values, each of them read by two of three passes. */
    @Test
    void aValueIsRoundedOnce() {
        convolution(DType.F32, 1, 16, 3, 3, 8);
        Graph g = emulated();
        assertEquals(3, roundings(g));
        for (String op : List.of("conv2d", "conv2d_backward_data", "conv2d_backward_weight")) {
            node(g, op).inputs().forEach(s -> assertEquals("round_tf32", s.node().op().name(), op));
        }
        assertEquals(b.build().nodes().size() + 3, g.nodes().size(), "and nothing else is new");
        assertEquals(3, roundings(new EmulateTf32().apply(g)), "what is rounded stays so");
    }

    @Test
    void groupsAreAsWell() {
        convolution(DType.F32, 2, 16, 3, 3, 4);
        assertEquals(3, roundings(emulated()));
    }

    @Test
    void depthwiseConvolutionsAreLeftAlone() {
        convolution(DType.F32, 8, 8, 3, 3, 1);
        assertEquals(0, roundings(emulated()));
    }

    @Test
    void soAreHalves() {
        convolution(DType.BF16, 1, 16, 3, 3, 8);
        assertEquals(0, roundings(emulated()));
    }

    /** As a weight in F16 of a product that was kept in F32. */
    @Test
    void whatWasHalfIsShortEnough() {
        Tensor x = b.input("x", TensorType.f32(4, 8));
        Tensor w = b.input("w", TensorType.of(DType.F16, 8, 4)).cast(DType.F32);
        b.output("y", x.apply(new MatMul(false, false), w));
        assertEquals(1, roundings(emulated()));
    }

    /** The bias is added to the sums, in F32. */
    @Test
    void onlyOperandsOfFusedProductsAreRounded() {
        b.output("y", b.apply(new MatMulShift(false, true, Nonlinearity.RELU),
                List.of(b.input("x", TensorType.f32(4, 8)), b.input("w", TensorType.f32(4, 8)), b.input("bias", TensorType.f32(4)))).getFirst());
        Graph g = emulated();
        assertEquals(2, roundings(g));
        assertEquals("input", node(g, "matmul_shift").inputs().get(2).node().op().name());
    }

    /** A square: both operands are one value. */
    @Test
    void oneValueMayBeBothOperands() {
        Tensor x = b.input("x", TensorType.f32(4, 4));
        b.output("y", x.apply(new MatMul(false, true), x));
        Graph g = emulated();
        assertEquals(1, roundings(g));
        Node product = node(g, "matmul");
        assertSame(product.inputs().get(0), product.inputs().get(1));
    }
}
