package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivation;
import dev.jacquard.tensor.op.FusedNormalization.BatchNormActivationBackward;
import dev.jacquard.tensor.op.FusedNormalization.ScaleShift;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Normalization.BatchNorm;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseNormalizationTest {
    private static final double EPS = 1e-5;
    private static final Pass ALWAYS = new FuseNormalization((_, _) -> true);

    private final GraphBuilder b = new GraphBuilder(true);
    private final Tensor x = b.input("x", TensorType.f32(2, 4, 4, 8));
    private final Tensor other = b.input("other", TensorType.f32(2, 4, 4, 8));
    private final Tensor gamma = b.input("gamma", TensorType.f32(8));
    private final Tensor beta = b.input("beta", TensorType.f32(8));

    private List<Tensor> norm(Tensor t) {
        return t.applyAll(new BatchNorm(EPS), gamma, beta);
    }

    private static List<Op> ops(Graph g) {
        return g.nodes().stream().map(n -> n.op()).filter(op -> !(op instanceof Leaf)).toList();
    }

    private Graph fused(Tensor y) {
        b.output("y", y);
        return ALWAYS.apply(b.build());
    }

    @Test
    void activationFollows() {
        assertEquals(List.of(new BatchNormActivation(EPS, Nonlinearity.SILU, false)), ops(fused(norm(x).getFirst().silu())));
    }

    @Test
    void sumAndActivationFollow() {
        Graph g = fused(other.add(norm(x).getFirst()).relu());
        assertEquals(List.of(new BatchNormActivation(EPS, Nonlinearity.RELU, true)), ops(g));
        assertEquals(List.of("x", "gamma", "beta", "other"), g.outputs().get("y").node().inputs().stream().map(s -> ((Leaf.Input) s.node().op()).label()).toList());
    }

    @Test
    void sumAloneFollows() {
        assertEquals(List.of(new BatchNormActivation(EPS, Nonlinearity.NONE, true)), ops(fused(norm(x).getFirst().add(other))));
    }

    @Test
    void otherActivationsStay() {
        assertEquals(2, ops(fused(norm(x).getFirst().tanh())).size());
    }

    @Test
    void valueThatOthersSeeStays() {
        Tensor y = norm(x).getFirst();
        assertEquals(3, ops(fused(y.relu().mul(y))).size(), "used twice");
    }

    @Test
    void resultStays() {
        Tensor y = norm(x).getFirst();
        b.output("pre", y);
        assertEquals(2, ops(fused(y.relu())).size());
    }

    @Test
    void sumThatBroadcastsStays() {
        assertEquals(3, ops(fused(norm(x).getFirst().add(beta).relu())).size());
    }

    @Test
    void sumWithItselfStays() {
        Tensor y = norm(x).getFirst();
        assertEquals(2, ops(fused(y.add(y))).size());
    }

    @Test
    void statisticsWaitForAShortcutThatComesLater() {
        List<Tensor> main = norm(x);
        b.output("running", main.get(1).mul(0.1)); // recorded before the shortcut is there
        Tensor shortcut = norm(other.exp()).getFirst();
        Graph g = fused(main.getFirst().add(shortcut).relu());
        assertEquals(1, ops(g).stream().filter(new BatchNormActivation(EPS, Nonlinearity.RELU, true)::equals).count(), g.print());
        assertEquals(1, ops(g).stream().filter(new BatchNorm(EPS)::equals).count(), "the shortcut's own: " + g.print());
        Symbol running = g.outputs().get("running").node().inputs().getFirst();
        assertSame(g.outputs().get("y").node(), running.node());
        assertEquals(1, running.index());
    }

    @Test
    void evaluationIsFused() {
        assertEquals(List.of(new ScaleShift(Nonlinearity.RELU, true)), ops(fused(x.apply(new ScaleShift(Nonlinearity.NONE, false), gamma, beta).add(other).relu())));
    }

    @Test
    void otherProductsAndSumsStay() {
        assertEquals(2, ops(fused(x.mulAdd(gamma, beta).relu())).size());
    }

    @Test
    void whatHasItsActivationStays() {
        assertEquals(2, ops(fused(x.apply(new ScaleShift(Nonlinearity.RELU, false), gamma, beta).relu())).size());
    }

    @Test
    void nothingChangesWhereTheDeviceHasNoKernel() {
        b.output("y", norm(x).getFirst().relu());
        Graph g = b.build();
        assertSame(g, new FuseNormalization((_, _) -> false).apply(g));
    }

    @Test
    void gradientsOfTheFusedGraphAreFused() {
        Graph g = fused(norm(x).getFirst().add(other).relu().sum());
        Symbol y = g.outputs().get("y");
        Leaf.Input[] wrt = {new Leaf.Input("x", x.type()), new Leaf.Input("other", x.type())};
        List<Tensor> of = java.util.Arrays.stream(wrt).map(leaf -> y.context().apply(leaf, List.of()).getFirst()).toList();
        Gradients.of(y, of).forEach(t -> assertEquals(new BatchNormActivationBackward(EPS, Nonlinearity.RELU, true), ((Symbol) t).node().op()));
    }

    @Test
    void randomNumbersAfterAPassAreNew() {
        Tensor noise = b.uniform(x.shape());
        Graph g = fused(norm(x.add(noise)).getFirst().relu());
        Symbol later = (Symbol) g.outputs().get("y").context().uniform(x.shape());
        assertEquals(1, ((dev.jacquard.tensor.op.Random.Uniform) later.node().op()).stream(), "stream 0 is the forward part's");
    }
}
