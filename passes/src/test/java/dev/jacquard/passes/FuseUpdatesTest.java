package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseUpdatesTest {
    private static final Update.Rule SGD = new Update.SgdMomentum(0.9, 0, false);
    private static final Update.Rule DECAYED = new Update.SgdMomentum(0.9, 1e-4, false);

    private final GraphBuilder b = new GraphBuilder(true);
    private final Tensor lr = b.input("lr", TensorType.f32());
    private final List<Variable> variables = new ArrayList<>();

    private Tensor update(Update.Rule rule, Tensor gradient, Tensor rate) {
        int i = variables.size();
        Variable w = new Variable(() -> "w" + i, gradient.type(), Variable.Role.PARAMETER, Initializer.ZEROS);
        Variable v = new Variable(() -> "v" + i, gradient.type(), Variable.Role.SLOT, Initializer.ZEROS);
        variables.addAll(List.of(w, v));
        List<Tensor> next = b.read(w).applyAll(rule, b.read(v), gradient, rate);
        b.write(w, next.get(0));
        b.write(v, next.get(1));
        return next.getFirst();
    }

    private Tensor gradient(String name, long... dims) {
        return b.input(name, TensorType.f32(dims));
    }

    private static List<Update> updates(Graph g) {
        return g.nodes().stream().filter(n -> n.op() instanceof Update).map(n -> (Update) n.op()).toList();
    }

    @Test
    void updatesOfOneRuleBecomeOneWhateverTheirDecayAndShape() {
        update(SGD, gradient("a", 3), lr);
        update(DECAYED, gradient("b", 2, 2), lr).exp();
        update(SGD, gradient("c", 3).exp(), lr);
        Graph g = b.build();
        Graph fused = new FuseUpdates(PaperDevice.COMPLETE).apply(g);
        assertEquals(List.of(new Update.FusedUpdate(List.of(SGD, DECAYED, SGD))), updates(fused), fused.print());
        assertEquals(g.updates().keySet(), fused.updates().keySet());
    }

    @Test
    void resultsThatFollowFromAnUpdateComeAfterIt() {
        b.output("size", update(SGD, gradient("a", 3), lr).square().sum());
        update(SGD, gradient("b", 3).exp(), lr);
        Graph fused = new FuseUpdates(PaperDevice.COMPLETE).apply(b.build());
        assertEquals(1, updates(fused).size(), fused.print());
    }

    @Test
    void otherRulesAndOtherScalarsStayApart() {
        update(SGD, gradient("a", 3), lr);
        update(new Update.SgdMomentum(0.5, 0, false), gradient("b", 3), lr);
        update(SGD, gradient("c", 3), b.input("another lr", TensorType.f32()));
        Graph g = b.build();
        assertSame(g, new FuseUpdates(PaperDevice.COMPLETE).apply(g));
    }

    @Test
    void averagesOfStatisticsBecomeOne() {
        Tensor decay = b.input("decay", TensorType.f32());
        for (int i = 0; i < 3; i++) {
            int n = i;
            Variable a = new Variable(() -> "a" + n, TensorType.f32(4), Variable.Role.SLOT, Initializer.ZEROS);
            b.write(a, b.read(a).apply(new Update.Average(), gradient("x" + i, 4), decay));
        }
        Graph fused = new FuseUpdates(PaperDevice.COMPLETE).apply(b.build());
        assertEquals(List.of(new Update.FusedUpdate(Collections.nCopies(3, new Update.Average()))), updates(fused), fused.print());
    }

    /** As a network's normalisations make them: a gain for each batch size, and a constant for each layer. */
    @Test
    void averagesOfOtherGainsBecomeOneIfTheirConstantsAreEqual() {
        for (double decay : new double[] {0.9, 0.9, 0.9, 0.99}) {
            int n = variables.size();
            Variable a = new Variable(() -> "a" + n, TensorType.f32(4), Variable.Role.STATISTIC, Initializer.ZEROS);
            variables.add(a);
            b.write(a, b.read(a).apply(new Update.Average(1 + 0.125 * n), gradient("x" + n, 4), b.fill(TensorType.f32(), decay)));
        }
        List<Update> updates = updates(new FuseUpdates(PaperDevice.COMPLETE).apply(b.build()));
        Update.FusedUpdate three = new Update.FusedUpdate(List.of(new Update.Average(1), new Update.Average(1.125), new Update.Average(1.25)));
        assertEquals(List.of(new Update.Average(1.375), three), updates.stream().sorted(java.util.Comparator.comparing(u -> u instanceof Update.FusedUpdate)).toList());
    }

    @Test
    void gradientsOfOtherTypesStayApart() {
        update(SGD, gradient("a", 3), lr);
        for (String name : List.of("b", "c")) {
            Variable w = new Variable(() -> name, TensorType.f32(3), Variable.Role.PARAMETER, Initializer.ZEROS);
            Variable v = new Variable(() -> "v" + name, TensorType.f32(3), Variable.Role.SLOT, Initializer.ZEROS);
            b.write(w, b.read(w).applyAll(SGD, b.read(v), b.input("half " + name, TensorType.of(DType.F16, 3)), lr).getFirst());
        }
        Graph fused = new FuseUpdates(PaperDevice.COMPLETE).apply(b.build());
        assertEquals(2, updates(fused).size(), fused.print());
    }

    @Test
    void updatesThatNeedEachOtherStayApart() {
        update(SGD, update(SGD, gradient("a", 3), lr).exp(), lr);
        Graph g = b.build();
        assertSame(g, new FuseUpdates(PaperDevice.COMPLETE).apply(g));
    }

    @Test
    void whereTheDeviceHasNoKernelNothingChanges() {
        update(SGD, gradient("a", 3), lr);
        update(SGD, gradient("b", 3), lr);
        Graph g = b.build();
        assertSame(g, new FuseUpdates(PaperDevice.without(Update.FusedUpdate.class)).apply(g));
    }
}
