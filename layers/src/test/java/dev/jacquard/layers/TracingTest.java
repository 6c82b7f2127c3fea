package dev.jacquard.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What modules record, in both modes, and that gradients and updates reach everything. */
class TracingTest {
    private static final MBConv.Style STYLE = new MBConv.Style(Activation.SILU, new BatchNorm2d.Settings(1e-3, 0.01), false, SqueezeExcite.Weights.CONVOLUTION,
            DropPath.Mode.SAMPLE, Initializers.kaimingNormal(Initializers.Fan.OUT, Math.sqrt(2)));

    private static Graph trace(Module m, boolean training, long... dims) {
        GraphBuilder b = new GraphBuilder(training);
        b.output("y", m.apply(b.input("x", TensorType.f32(dims))));
        return b.build();
    }

    private static Shape output(Module m, long... dims) {
        return trace(m, true, dims).outputs().get("y").shape();
    }

    private static long count(Graph g, String op) {
        return g.nodes().stream().filter(n -> n.op().name().equals(op)).count();
    }

    @Test
    void aTinyModulePrints() {
        Module m = Sequential.of(new Conv2d(Conv2d.Config.of(2, 3, 3).stride(2)), new BatchNorm2d(3), Activation.RELU.module());
        assertEquals("""
                %0 = input() [label=x, type=f32(1, 4, 4, 2)] : f32(1, 4, 4, 2)
                %1 = read() [variable=0.weight: f32(3, 3, 3, 2)] : f32(3, 3, 3, 2)  # 0
                %2 = conv2d(%0, %1) [window=Window[strideH=2, strideW=2, top=1, bottom=1, left=1, right=1, dilationH=1, dilationW=1], groups=1] : f32(1, 2, 2, 3)  # 0
                %3 = read() [variable=1.weight: f32(3)] : f32(3)  # 1
                %4 = read() [variable=1.running_var: f32(3)] : f32(3)  # 1
                %5 = affine(%4) [scale=1.0, shift=1.0E-5] : f32(3)  # 1
                %6 = rsqrt(%5) : f32(3)  # 1
                %7 = mul(%3, %6) : f32(3)  # 1
                %8 = read() [variable=1.bias: f32(3)] : f32(3)  # 1
                %9 = read() [variable=1.running_mean: f32(3)] : f32(3)  # 1
                %10 = mul(%9, %7) : f32(3)  # 1
                %11 = sub(%8, %10) : f32(3)  # 1
                %12 = scale_shift(%2, %7, %11) [activation=NONE, residual=false] : f32(1, 2, 2, 3)  # 1
                %13 = relu(%12) : f32(1, 2, 2, 3)  # 2
                output y = %13
                """, trace(m, false, 1, 4, 4, 2).print());
        assertEquals("""
                %0 = input() [label=x, type=f32(1, 4, 4, 2)] : f32(1, 4, 4, 2)
                %1 = read() [variable=0.weight: f32(3, 3, 3, 2)] : f32(3, 3, 3, 2)  # 0
                %2 = conv2d(%0, %1) [window=Window[strideH=2, strideW=2, top=1, bottom=1, left=1, right=1, dilationH=1, dilationW=1], groups=1] : f32(1, 2, 2, 3)  # 0
                %3 = read() [variable=1.weight: f32(3)] : f32(3)  # 1
                %4 = read() [variable=1.bias: f32(3)] : f32(3)  # 1
                %5.0, %5.1, %5.2 = batch_norm(%2, %3, %4) [eps=1.0E-5] : f32(1, 2, 2, 3), f32(3), f32(3)  # 1
                %6 = fill() [type=f32(), value=0.9] : f32()  # 1
                %7 = read() [variable=1.running_mean: f32(3)] : f32(3)  # 1
                %8 = average(%7, %5.1, %6) [gain=1.0] : f32(3)  # 1
                %9 = read() [variable=1.running_var: f32(3)] : f32(3)  # 1
                %10 = average(%9, %5.2, %6) [gain=1.3333333333333333] : f32(3)  # 1
                %11 = relu(%5.0) : f32(1, 2, 2, 3)  # 2
                output y = %11
                update 1.running_mean = %8
                update 1.running_var = %10
                """, trace(m, true, 1, 4, 4, 2).print());
    }

    @Test
    void onlyTrainingMovesStatistics() {
        BatchNorm2d bn = new BatchNorm2d(5);
        assertTrue(trace(bn, false, 2, 3, 3, 5).updates().isEmpty());
        assertEquals(Set.copyOf(bn.statistics()), trace(bn, true, 2, 3, 3, 5).updates().keySet());
        assertTrue(assertThrows(ShapeException.class, () -> trace(bn, true, 1, 1, 1, 5)).getMessage().contains("too few values"));
        assertEquals(Shape.of(1, 1, 1, 5), trace(bn, false, 1, 1, 1, 5).outputs().get("y").shape());
    }

    @Test
    void onlyTrainingDrops() {
        for (Module m : List.of(new Dropout(0.2), new DropPath(0.8, DropPath.Mode.SAMPLE), new DropPath(0.8, DropPath.Mode.BATCH))) {
            assertEquals(1, trace(m, false, 4, 2, 2, 3).nodes().size());
            assertEquals(1, count(trace(m, true, 4, 2, 2, 3), "dropout"));
        }
        assertEquals(1, trace(new Dropout(0), true, 4, 3).nodes().size());
        assertEquals(1, trace(new DropPath(1, DropPath.Mode.SAMPLE), true, 4, 3).nodes().size());
        assertThrows(CallerException.class, () -> new Dropout(1));
        assertThrows(CallerException.class, () -> new DropPath(0, DropPath.Mode.BATCH));
    }

    @Test
    void fatesAreSharedAsTheModeSays() {
        assertEquals(Random.Dropout.Fate.SAMPLE, fate(new DropPath(0.8, DropPath.Mode.SAMPLE)));
        assertEquals(Random.Dropout.Fate.BATCH, fate(new DropPath(0.8, DropPath.Mode.BATCH)));
        assertEquals(Random.Dropout.Fate.ELEMENT, fate(new Dropout(0.2)));
    }

    private static Random.Dropout.Fate fate(Module m) {
        return trace(m, true, 4, 2, 2, 3).nodes().stream().flatMap(n -> n.op() instanceof Random.Dropout d ? Stream.of(d.fate()) : Stream.empty()).findFirst().orElseThrow();
    }

    @Test
    void shapes() {
        assertEquals(Shape.of(2, 4, 3, 6), output(new Conv2d(Conv2d.Config.of(4, 6, 3).stride(2).groups(2).bias(true)), 2, 7, 6, 4));
        assertEquals(Shape.of(2, 4, 3, 6), output(new Conv2d(Conv2d.Config.of(4, 6, 5).stride(2).same(true)), 2, 7, 6, 4));
        assertEquals(Shape.of(6, 3, 3, 2), new Conv2d(Conv2d.Config.of(4, 6, 3).groups(2)).parameters().getFirst().type().shape());
        assertEquals(Shape.of(2, 3, 3, 4), output(new MaxPool2d(3, Window.of(2, 1)), 2, 6, 6, 4));
        assertEquals(Shape.of(2, 4, 3, 4), output(new MaxPool2d(3, Window.of(2, 0), true), 2, 7, 6, 4));
        assertEquals(Shape.of(2, 3, 3, 4), output(new AvgPool2d(2, Window.of(2, 0)), 2, 6, 6, 4));
        assertEquals(Shape.of(2, 4), output(new GlobalAvgPool2d(), 2, 6, 6, 4));
        assertEquals(Shape.of(2, 5, 7), output(new Linear(4, 7), 2, 5, 4));
        assertThrows(ShapeException.class, () -> Conv2d.Config.of(4, 6, 3).groups(4));
    }

    @Test
    void samePaddingIsTensorFlows() {
        // 3x3, stride 2, of 6 rows: 1 row of padding, below.
        Graph g = trace(new Conv2d(Conv2d.Config.of(1, 1, 3).stride(2).same(true)), false, 1, 6, 7, 1);
        assertTrue(g.print().contains("strideH=2, strideW=2, top=0, bottom=1, left=1, right=1"), g.print());
    }

    @Test
    void squeezeExcite() {
        SqueezeExcite conv = new SqueezeExcite(8, 2, Activation.SILU, SqueezeExcite.Weights.CONVOLUTION);
        SqueezeExcite linear = new SqueezeExcite(8, 2, Activation.SILU, SqueezeExcite.Weights.LINEAR);
        assertEquals(List.of("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"), List.copyOf(conv.variables().keySet()));
        assertEquals(List.of("squeeze.weight", "squeeze.bias", "expand.weight", "expand.bias"), List.copyOf(linear.variables().keySet()));
        for (Module m : List.of(conv, linear)) {
            assertEquals(Shape.of(3, 5, 4, 8), output(m, 3, 5, 4, 8));
            assertGradientsReach(m, 3, 5, 4, 8);
        }
    }

    @Test
    void mbConv() {
        MBConv plain = new MBConv(new MBConv.Config(8, 8, 5, 1, 6, 2, STYLE, 0.9));
        MBConv down = new MBConv(new MBConv.Config(8, 12, 3, 2, 1, 2, STYLE, 0.9));
        assertEquals(Shape.of(2, 6, 6, 8), output(plain, 2, 6, 6, 8));
        assertEquals(Shape.of(2, 3, 3, 12), output(down, 2, 6, 6, 8));
        assertEquals(1, count(trace(plain, true, 2, 6, 6, 8), "dropout"));
        assertEquals(0, count(trace(down, true, 2, 6, 6, 8), "dropout"), "no branch to drop without a shortcut");
        assertEquals(List.of("block.0.0.weight", "block.1.0.weight", "block.2.fc1.weight", "block.2.fc2.weight", "block.3.0.weight"),
                plain.variables().keySet().stream().filter(n -> n.matches(".*(0|fc.)\\.weight")).toList());
        assertEquals(Shape.of(48, 5, 5, 1), plain.variables().get("block.1.0.weight").type().shape());
        assertEquals(Shape.of(2, 1, 1, 48), plain.variables().get("block.2.fc1.weight").type().shape());
        assertEquals(Shape.of(8, 3, 3, 1), down.variables().get("block.0.0.weight").type().shape());
        assertGradientsReach(plain, 2, 6, 6, 8);
        assertGradientsReach(down, 2, 6, 6, 8);
    }

    private static void assertGradientsReach(Module m, long... dims) {
        GraphBuilder b = new GraphBuilder(true);
        Tensor y = m.apply(b.input("x", TensorType.f32(dims)));
        List<Tensor> gradients = Gradients.of(y, b.input("dy", y.type()), m.parameters().stream().map(b::read).toList());
        assertReached(m, gradients);
        b.build();
    }

    /** A gradient that nothing leads to is a constant. */
    static void assertReached(Module m, List<Tensor> gradients) {
        for (int i = 0; i < gradients.size(); i++) {
            Variable p = m.parameters().get(i);
            assertEquals(p.type(), gradients.get(i).type());
            assertFalse(((Symbol) gradients.get(i)).node().op() instanceof Leaf, "nothing reaches " + p);
        }
    }

    @Test
    void aWholeStepOfTrainingIsOneGraph() {
        Module m = Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3)), new BatchNorm2d(8), Activation.RELU.module(), new GlobalAvgPool2d(), new Linear(8, 10));
        Optimizer sgd = new Optimizer(new Update.SgdMomentum(0.9, 1e-4, true), Decay.WEIGHTS, m);
        GraphBuilder b = new GraphBuilder(true);
        Tensor logits = m.apply(b.input("images", TensorType.f32(4, 6, 6, 3)));
        Tensor loss = Losses.crossEntropy(logits, b.input("labels", TensorType.of(DType.I32, 4)), 0.1);
        List<Tensor> gradients = Gradients.of(loss, m.parameters().stream().map(b::read).toList());
        assertReached(m, gradients);
        sgd.update(b, m.parameters(), gradients, b.input("lr", TensorType.f32()));
        b.output("loss", loss);
        Graph g = b.build();
        assertEquals(Shape.scalar(), g.outputs().get("loss").shape());
        assertEquals(Set.of("images", "labels", "lr"), g.inputs().keySet());
        assertEquals(m.parameters().stream().map(p -> "optimizer.momentum." + p.name()).toList(), sgd.slots().stream().map(Variable::name).toList());
        Set<Variable> written = m.variables().values().stream().collect(Collectors.toSet());
        written.addAll(sgd.slots());
        assertEquals(written, g.updates().keySet());
        assertEquals(5, count(g, "sgd_momentum"));
        assertEquals(2, g.nodes().stream().filter(n -> n.op().toString().contains("decay=1.0E-4")).count(), "only the kernel and the matrix decay");
        assertTrue(g.nodes().stream().anyMatch(n -> n.label().equals("optimizer.0.weight")));
    }

    @Test
    void slotsAreUsedAgainByTheNextGraph() {
        Linear m = new Linear(2, 2);
        Optimizer sgd = new Optimizer(new Update.SgdMomentum(0.9, 0, false));
        for (int i = 0; i < 2; i++) {
            GraphBuilder b = new GraphBuilder(true);
            sgd.update(b, m.parameters(), m.parameters().stream().map(b::read).toList(), b.fill(TensorType.f32(), 1));
            b.build();
        }
        assertEquals(2, sgd.slots().size());
        assertThrows(CallerException.class, () -> sgd.update(new GraphBuilder(true), m.parameters(), List.of(), (Tensor) null));
        assertThrows(CallerException.class, () -> new Optimizer(new Update.SgdMomentum(1, 0, false)));
    }

    @Test
    void lossesRefuseWhatDoesNotFit() {
        GraphBuilder b = new GraphBuilder(true);
        Tensor logits = b.input("logits", TensorType.f32(4, 10));
        assertThrows(ShapeException.class, () -> Losses.crossEntropy(logits, b.input("a", TensorType.f32(4, 9))));
        assertThrows(ShapeException.class, () -> Losses.crossEntropy(logits, b.input("b", TensorType.of(DType.I32, 3)), 0));
        assertThrows(CallerException.class, () -> Losses.crossEntropy(logits, b.input("c", TensorType.of(DType.I32, 4)), 1));
    }
}
