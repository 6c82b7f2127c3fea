package dev.jacquard.mixedprecision;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Images;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Loss;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AutocastTest {
    private static final Autocast F16 = new Autocast(DType.F16, List.of());

    private final GraphBuilder b = new GraphBuilder(true);
    private final Tensor x = b.input("x", TensorType.f32(2, 4, 4, 8));
    private int parameters;

    private Tensor parameter(long... dims) {
        return b.input("p" + parameters++, TensorType.f32(dims));
    }

    private Tensor conv(Tensor in, long k) {
        return in.conv2d(parameter(k, 1, 1, in.shape().dim(3)), Window.of(1, 0), 1);
    }

    private Graph cast(Tensor y) {
        return cast(y, F16);
    }

    private Graph cast(Tensor y, Autocast by) {
        b.output("y", y);
        return by.apply(b.build());
    }

    /** Ops with the types that they make. */
    private static List<String> ops(Graph g) {
        return g.nodes().stream().filter(n -> !(n.op() instanceof Leaf)).map(n -> n.op().name() + " " + n.outputs().getFirst().dtype()).toList();
    }

    private static long casts(Graph g) {
        return g.nodes().stream().filter(CastReport::isCast).count();
    }

    private static Node only(Graph g, Class<? extends Op> op) {
        List<Node> all = g.nodes().stream().filter(n -> op.isInstance(n.op())).toList();
        assertEquals(1, all.size(), g.print());
        return all.getFirst();
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void productsAreInHalfPrecisionAndPointwiseOpsFollow(DType type) {
        Graph g = cast(conv(conv(x, 8).relu(), 4), new Autocast(type, List.of()));
        assertEquals(List.of("cast " + type, "cast " + type, "conv2d " + type, "relu " + type, "cast " + type, "conv2d " + type, "cast f32"), ops(g), g.print());
    }

    @Test
    void aValueIsCastOncePerType() {
        Tensor w = parameter(8, 1, 1, 8);
        Tensor shared = x.conv2d(w, Window.of(1, 0), 1).add(x.relu().conv2d(w, Window.of(1, 0), 1)).add(x.conv2d(w, Window.of(1, 0), 1));
        assertEquals(4, casts(cast(shared)), "x, relu(x), w and the result");
    }

    @Test
    void nothingGoesBackAndForth() {
        Tensor y = conv(x, 8);
        Tensor wide = y.exp(); // F32 of a half
        Graph g = cast(conv(y, 8).add(conv(wide, 8)));
        for (Node n : g.nodes()) {
            if (n.op() instanceof Movement.Cast c) {
                Node from = n.inputs().getFirst().node();
                assertTrue(!(from.op() instanceof Movement.Cast) || from.inputs().getFirst().dtype() != c.to(), n + " in " + g.print());
            }
        }
        assertEquals(7, casts(g), "x and three weights, y for exp, its result, the output: " + g.print());
    }

    @Test
    void resultsInputsAndVariablesKeepTheirTypes() {
        b.output("relu", conv(x, 8).relu());
        Graph before = b.build();
        Graph g = F16.apply(before);
        assertEquals(DType.F32, g.outputs().get("relu").dtype());
        assertEquals(before.inputs().keySet(), g.inputs().keySet());
        g.inputs().values().forEach(s -> assertEquals(DType.F32, s.dtype()));
    }

    @Test
    void theLossIsInF32() {
        Tensor labels = b.input("labels", TensorType.of(DType.I32, 32));
        Graph g = cast(conv(x, 8).reshape(32, 8).apply(new Loss.CrossEntropy(0.1), labels));
        assertEquals(DType.F32, only(g, Loss.CrossEntropy.class).inputs().getFirst().dtype());
        assertEquals(3, casts(g), "two operands and the logits: " + g.print());
    }

    @Test
    void whatIsPerChannelStaysWide() {
        Graph g = cast(conv(x, 8).apply(new ScaleShift(Nonlinearity.RELU, false), parameter(8), parameter(8)));
        assertEquals(List.of(DType.F16, DType.F32, DType.F32), only(g, ScaleShift.class).inputs().stream().map(Symbol::dtype).toList());
        assertEquals(3, casts(g), g.print());
    }

    @Test
    void smallOperandsFollow() {
        Graph g = cast(conv(x, 8).add(parameter(8)).mul(parameter()));
        assertEquals(DType.F16, g.outputs().get("y").node().inputs().getFirst().dtype(), g.print());
        assertEquals(5, casts(g), "two operands, the bias, the factor, the result: " + g.print());
    }

    @Test
    void wherePeersDifferTheSumIsInF32() {
        Graph g = cast(conv(x, 8).add(x));
        assertTrue(ops(g).contains("add f32"), g.print());
    }

    @Test
    void constantsArePutWhereTheyAreRead() {
        Tensor y = conv(x, 8);
        Tensor half = x.context().fill(TensorType.f32(), 0.5);
        Graph g = cast(y.greater(half).mul(y).add(y.exp().mul(half)));
        List<DType> fills = g.nodes().stream().filter(n -> n.op() instanceof Leaf.Fill).map(n -> n.outputs().getFirst().dtype()).sorted().toList();
        assertEquals(List.of(DType.F32, DType.F16), fills, g.print());
    }

    @Test
    void pixelsAreMadeInTheTypeThatIsRead() {
        Tensor images = b.input("images", TensorType.of(DType.U8, 2, 4, 4, 3));
        Images.Normalize by = new Images.Normalize(List.of(1.0, 1.0, 1.0), List.of(0.0, 0.0, 0.0), DType.F32);
        Tensor pixels = images.apply(by).apply(new Movement.Pad(3, 0, 1));
        Graph g = cast(conv(pixels, 8));
        assertEquals(List.of("normalize f16", "pad f16", "cast f16", "conv2d f16", "cast f32"), ops(g), g.print());
    }

    @Test
    void whatTheModelCastsStaysSo() {
        Tensor wide = conv(x, 8).cast(DType.F64).mul(2).cast(DType.F32);
        Graph g = cast(wide.add(conv(x, 8).cast(DType.BF16).cast(DType.F32)));
        assertTrue(ops(g).containsAll(List.of("affine f64", "cast f64", "cast bf16")), g.print());
        assertSame(DType.F32, g.outputs().get("y").dtype());
    }

    @Test
    void whatTheModelWidensIsNotCastBack() {
        Tensor wide = conv(x, 8).relu().cast(DType.F16).relu().cast(DType.F32);
        Graph g = cast(conv(wide, 4));
        assertEquals(List.of("cast f16", "cast f16", "conv2d f16", "relu f16", "relu f16", "cast f16", "conv2d f16", "cast f32"), ops(g), g.print());
    }

    @Test
    void whatTheModelWidensIsF32ToWhatFollows() {
        Tensor wide = x.cast(DType.F16).cast(DType.F32);
        Graph g = cast(wide.silu().add(conv(wide, 8)));
        assertEquals(List.of("cast f16", "cast f32", "silu f32", "cast f16", "conv2d f16", "cast f32", "add f32"), ops(g), g.print());
    }

    @Test
    void modulesThatAreKeptComputeInF32() {
        Tensor y = x;
        for (String name : List.of("layer1", "layer10", "fc")) {
            try (var _ = b.label(name)) {
                y = conv(y, 8).relu();
            }
        }
        Graph g = cast(y, new Autocast(DType.F16, List.of("layer1")));
        String types = g.nodes().stream().filter(n -> n.op().name().equals("conv2d")).map(n -> n.label() + " " + n.outputs().getFirst().dtype()).collect(Collectors.joining(", "));
        assertEquals("layer1 f32, layer10 f16, fc f16", types, g.print());
        CallerException e = assertThrows(CallerException.class, () -> new Autocast(DType.F16, List.of("layer2")).apply(b.build()));
        assertTrue(e.getMessage().contains("layer2") && e.getMessage().contains("layer1"), e.getMessage());
    }

    @Test
    void aTypeThatIsNoHalfIsRefused() {
        assertThrows(CallerException.class, () -> new Autocast(DType.F32, List.of()));
        assertThrows(CallerException.class, () -> new MixedPrecision(DType.F64, List.of(), null));
    }

    @Test
    void theReportSaysWhatWasCastAndWhy() {
        Graph g;
        try (var _ = b.label("stem")) {
            g = cast(conv(x, 8).exp());
        }
        CastReport report = CastReport.of(g);
        String f = "(8, 1, 1, 8)";
        assertEquals("""
                #2 stem: f32 to f16 of input x (2, 4, 4, 8): conv2d computes in f16
                #3 stem: f32 to f16 of input p0 %s: conv2d computes in f16
                #5 stem: f16 to f32 of result of conv2d in stem (2, 4, 4, 8): exp computes in f32
                3 casts
                """.formatted(f), report.toString());
        assertTrue(report.print().contains("= cast(%2) [to=F16]") || report.print().contains("# stem: cast of input p0: conv2d computes in f16"), report.print());
    }
}
