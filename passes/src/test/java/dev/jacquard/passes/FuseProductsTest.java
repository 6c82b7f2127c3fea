package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.NormalizeActivation;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import dev.jacquard.tensor.op.FusedProduct.MatMulShift;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FuseProductsTest {
    private static final double EPS = 1e-5;
    private static final Pass NORMALIZATION = new FuseNormalization((_, _) -> true);
    private static final Pass PRODUCTS = new FuseProducts((_, _) -> true);

    private final GraphBuilder b = new GraphBuilder(true);
    private DType computes = DType.F32;
    private int parameters;

    private Tensor parameter(long... dims) {
        return b.input("p" + parameters++, TensorType.f32(dims));
    }

    /** x(2, 6, 6, c). */
    private Tensor image(long c) {
        return b.input("x", TensorType.of(computes, 2, 6, 6, c));
    }

    /** In half precision with the weight's cast, as mixed precision puts it there. */
    private Tensor conv(Tensor x, long k, long r, int stride) {
        return x.conv2d(parameter(k, r, r, x.shape().dim(3)).cast(computes), Window.of(stride, (int) r / 2), 1);
    }

    private Tensor known(Tensor y) {
        long c = y.shape().dim(3);
        return y.apply(new ScaleShift(Nonlinearity.NONE, false), parameter(c), parameter(c));
    }

    private Tensor batch(Tensor y) {
        long c = y.shape().dim(3);
        return y.applyAll(new BatchNorm(EPS), parameter(c), parameter(c)).getFirst();
    }

    /** He et al. 2016's block, figure 5 right, with a projection and the stride in the middle. */
    private Tensor bottleneck(Tensor x, UnaryOperator<Tensor> normalise) {
        Tensor y = normalise.apply(conv(x, 4, 1, 1)).relu();
        y = normalise.apply(conv(y, 4, 3, 2)).relu();
        y = normalise.apply(conv(y, 16, 1, 1));
        return y.add(normalise.apply(conv(x, 16, 1, 2))).relu();
    }

    private static List<Op> ops(Graph g) {
        return g.nodes().stream().map(Node::op).filter(op -> !(op instanceof Leaf)).toList();
    }

    /** The ops with the types that they make, without leaves and the casts of weights: the golden form. */
    private static String text(Graph g) {
        return g.nodes().stream().filter(n -> !(n.op() instanceof Leaf) && !isCastWeight(n)).map(n -> {
            String op = switch (n.op()) {
                case ConvolutionScaleShift c -> n.op().name() + " stride " + c.window().strideH() + " " + c.activation() + (c.residual() ? " + residual" : "");
                case ScaleShift s -> n.op().name() + " " + s.activation() + (s.residual() ? " + residual" : "");
                case BatchNormActivation s -> n.op().name() + " " + s.activation() + (s.residual() ? " + residual" : "");
                case NormalizeActivation s -> n.op().name() + " " + s.activation() + (s.residual() ? " + residual" : "");
                default -> n.op().name();
            };
            return op + " -> " + n.outputs().stream().map(s -> s.type().shape().toString()).collect(Collectors.joining(" "));
        }).collect(Collectors.joining("\n"));
    }

    private static boolean isCastWeight(Node n) {
        return n.op() instanceof Movement.Cast && n.inputs().getFirst().type().shape().rank() > 1;
    }

    private Graph normalised(Tensor y) {
        b.output("y", y);
        return NORMALIZATION.apply(b.build());
    }

    private Graph fused(Tensor y) {
        return PRODUCTS.apply(normalised(y)).verify();
    }

    /** A block in half precision becomes what its F32 twin becomes. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void aHalfBlockBecomesWhatItsTwinBecomes(DType half) {
        assertEquals(block(DType.F32, FuseProductsTest::known), block(half, FuseProductsTest::known));
        assertEquals(block(DType.F32, FuseProductsTest::batch), block(half, FuseProductsTest::batch));
    }

    private static String block(DType type, BiFunction<FuseProductsTest, Tensor, Tensor> normalise) {
        FuseProductsTest t = new FuseProductsTest();
        t.computes = type;
        return text(t.fused(t.bottleneck(t.image(8), y -> normalise.apply(t, y))));
    }

    @Test
    void statisticsOfHalfImagesAreWide() {
        computes = DType.F16;
        Graph g = fused(batch(conv(image(8), 4, 3, 1)).relu());
        Node statistics = g.nodes().stream().filter(n -> n.op() instanceof ConvolutionStatistics).findFirst().orElseThrow();
        assertEquals(List.of(DType.F16, DType.F32, DType.F32), statistics.outputs().stream().map(s -> s.type().dtype()).toList());
    }

    @Test
    void aBottleneckInEvaluation() {
        Graph before = normalised(bottleneck(image(8), this::known));
        assertEquals("""
                conv2d -> (2, 6, 6, 4)
                scale_shift RELU -> (2, 6, 6, 4)
                conv2d -> (2, 3, 3, 4)
                scale_shift RELU -> (2, 3, 3, 4)
                conv2d -> (2, 3, 3, 16)
                conv2d -> (2, 3, 3, 16)
                scale_shift NONE -> (2, 3, 3, 16)
                scale_shift RELU + residual -> (2, 3, 3, 16)""", text(before));
        assertEquals("""
                convolution_scale_shift stride 1 RELU -> (2, 6, 6, 4)
                convolution_scale_shift stride 2 RELU -> (2, 3, 3, 4)
                convolution_scale_shift stride 2 NONE -> (2, 3, 3, 16)
                convolution_scale_shift stride 1 RELU + residual -> (2, 3, 3, 16)""", text(PRODUCTS.apply(before).verify()));
    }

    @Test
    void aBottleneckInTraining() {
        Graph before = normalised(bottleneck(image(8), this::batch));
        assertEquals("""
                conv2d -> (2, 6, 6, 4)
                batch_norm_activation RELU -> (2, 6, 6, 4) (4) (4)
                conv2d -> (2, 3, 3, 4)
                batch_norm_activation RELU -> (2, 3, 3, 4) (4) (4)
                conv2d -> (2, 3, 3, 16)
                conv2d -> (2, 3, 3, 16)
                batch_norm -> (2, 3, 3, 16) (16) (16)
                batch_norm_activation RELU + residual -> (2, 3, 3, 16) (16) (16)""", text(before));
        assertEquals("""
                convolution_statistics -> (2, 6, 6, 4) (4) (4)
                normalize_activation RELU -> (2, 6, 6, 4)
                convolution_statistics -> (2, 3, 3, 4) (4) (4)
                normalize_activation RELU -> (2, 3, 3, 4)
                convolution_statistics -> (2, 3, 3, 16) (16) (16)
                convolution_statistics -> (2, 3, 3, 16) (16) (16)
                normalize_activation NONE -> (2, 3, 3, 16)
                normalize_activation RELU + residual -> (2, 3, 3, 16)""", text(PRODUCTS.apply(before).verify()));
    }

    @Test
    void backwardNodesReadTheConvolutionsStatistics() {
        Tensor x = image(8);
        Tensor w = parameter(4, 3, 3, 8);
        Graph forward = normalised(batch(x.conv2d(w, Window.of(1, 1), 1)).relu().sum());
        Symbol y = forward.outputs().get("y");
        Tensor weight = y.context().apply(new Leaf.Input("p0", w.type()), List.of()).getFirst();
        y.builder().output("dw", Gradients.of(y, List.of(weight)).getFirst());
        Graph g = PRODUCTS.apply(y.builder().build()).verify();
        Node backward = g.nodes().stream().filter(n -> n.op().name().equals("batch_norm_activation_backward")).findFirst().orElseThrow();
        List<Symbol> made = g.nodes().stream().filter(n -> n.op() instanceof ConvolutionStatistics).findFirst().orElseThrow().outputs();
        assertSame(made.get(0), backward.inputs().get(1), g.print());
        assertSame(made.get(1), backward.inputs().get(4));
        assertSame(made.get(2), backward.inputs().get(5));
        assertEquals(0, ops(g).stream().filter(op -> op instanceof BatchNormActivation).count());
    }

    @Test
    void oneOfTwoNormalisationsTakesTheStatistics() {
        Tensor y = conv(image(8), 4, 1, 1);
        Graph g = fused(batch(y).relu().mul(batch(y)));
        assertEquals(List.of("convolution_statistics", "normalize_activation", "batch_norm", "mul"), ops(g).stream().map(Op::name).toList());
    }

    @Test
    void whatOthersSeeStays() {
        Tensor y = conv(image(8), 4, 1, 1);
        b.output("pre", y);
        assertEquals(List.of("conv2d", "scale_shift"), ops(fused(known(y).relu())).stream().map(Op::name).toList());
    }

    @Test
    void aConvolutionThatIsAResidualStays() {
        Tensor y = conv(image(8), 8, 1, 1);
        Graph g = fused(known(image().exp()).add(y).relu());
        assertEquals(List.of("conv2d", "exp", "scale_shift"), ops(g).stream().map(Op::name).sorted().toList());
    }

    /** The image that is there. */
    private Tensor image() {
        return b.apply(new Leaf.Input("x", TensorType.f32(2, 6, 6, 8)), List.of()).getFirst();
    }

    @Test
    void aLinearLayerTakesItsBiasAndActivation() {
        Tensor x = b.input("x", TensorType.f32(3, 8));
        Tensor w = parameter(5, 8);
        Tensor bias = parameter(5);
        Graph g = fused(bias.add(x.matmul(w, true)).silu());
        assertEquals(List.of(new MatMulShift(false, true, Nonlinearity.SILU)), ops(g));
        assertEquals(List.of("x", "p0", "p1"), g.outputs().get("y").node().inputs().stream().map(s -> ((Leaf.Input) s.node().op()).label()).toList());
    }

    @Test
    void aHalfLayerTakesItsBiasFromBeforeTheCast() {
        Tensor x = b.input("x", TensorType.of(DType.F16, 3, 8));
        Tensor w = parameter(5, 8).cast(DType.F16);
        Tensor bias = parameter(5);
        Graph g = fused(bias.cast(DType.F16).add(x.matmul(w, true)).relu());
        assertEquals(List.of(new Movement.Cast(DType.F16), new MatMulShift(false, true, Nonlinearity.RELU)), ops(g), "the weight's cast is left, not the bias's");
        assertEquals(TensorType.f32(5), g.outputs().get("y").node().inputs().get(2).type());
        assertEquals("p1", ((Leaf.Input) g.outputs().get("y").node().inputs().get(2).node().op()).label());
    }

    @Test
    void theCastOfABiasThatOthersReadStays() {
        Tensor bias = parameter(5).cast(DType.F16);
        b.output("bias", bias);
        Graph g = fused(b.input("x", TensorType.of(DType.F16, 3, 8)).matmul(b.input("w", TensorType.of(DType.F16, 8, 5))).add(bias));
        assertEquals(List.of("cast", "matmul_shift"), ops(g).stream().map(Op::name).toList());
        assertEquals(TensorType.f32(5), g.outputs().get("y").node().inputs().get(2).type());
    }

    /** There is no kernel that reads it, and a cast to F32 would be a launch more than is saved. */
    @Test
    void aHalfBiasThatNeverWasWideStays() {
        Tensor y = b.input("x", TensorType.of(DType.F16, 3, 8)).matmul(b.input("w", TensorType.of(DType.F16, 8, 5)));
        assertEquals(List.of("matmul", "add"), ops(fused(y.add(b.input("bias", TensorType.of(DType.F16, 5))))).stream().map(Op::name).toList());
    }

    @Test
    void anActivationWhoseInputIsNeededStays() {
        Tensor z = b.input("x", TensorType.f32(3, 8)).matmul(parameter(8, 5)).add(parameter(5));
        b.output("z", z);
        assertEquals(List.of("matmul_shift", "relu"), ops(fused(z.relu())).stream().map(Op::name).toList());
    }

    @Test
    void aSumWithAColumnStays() {
        Tensor y = b.input("x", TensorType.f32(3, 8)).matmul(parameter(8, 5));
        assertEquals(2, ops(fused(y.add(parameter(3, 1)))).size());
    }

    @Test
    void aSumWithItselfStays() {
        Tensor y = b.input("x", TensorType.f32(3, 8)).matmul(parameter(8, 5));
        assertEquals(2, ops(fused(y.add(y))).size());
    }

    @Test
    void statisticsNeedBothKernels() {
        Graph g = normalised(batch(conv(image(8), 4, 1, 1)).relu());
        assertSame(g, new FuseProducts((op, _) -> op instanceof ConvolutionStatistics).apply(g));
        assertSame(g, new FuseProducts((op, _) -> !(op instanceof ConvolutionStatistics)).apply(g));
    }

    @Test
    void theDeviceIsToldTheTypesOfTheFusedOp() {
        List<String> asked = new ArrayList<>();
        Graph g = normalised(known(conv(image(8), 4, 3, 1)).relu());
        new FuseProducts((op, in) -> !asked.add(op.name() + in)).apply(g);
        assertEquals(List.of("convolution_scale_shift[f32(2, 6, 6, 8), f32(4, 3, 3, 8), f32(4), f32(4)]"), asked);
    }
}
