package dev.jacquard.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.GraphBuilder;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModuleTest {
    private static final class Pair extends Module {
        private final Module first;

        Pair(Module first, String second) {
            this.first = child("first", first);
            child(second, new BatchNorm2d(2));
            parameter("scale", Shape.of(2), Initializers.standard());
        }

        @Override
        protected Tensor forward(Tensor x) {
            return first.apply(x).mul(x.context().read(variables().get("scale")));
        }
    }

    @Test
    void namesArePathsAndOwnVariablesComeFirst() {
        Pair m = new Pair(Sequential.of(new Conv2d(Conv2d.Config.of(3, 2, 1).bias(true)), new BatchNorm2d(2)), "second");
        List<String> names = List.of("scale", "first.0.weight", "first.0.bias", "first.1.weight", "first.1.bias", "first.1.running_mean", "first.1.running_var",
                "second.weight", "second.bias", "second.running_mean", "second.running_var");
        assertEquals(names, List.copyOf(m.variables().keySet()));
        assertEquals(names, m.variables().values().stream().map(Variable::name).toList());
        assertEquals(names.stream().filter(n -> !n.contains("running")).toList(), m.parameters().stream().map(Variable::name).toList());
        assertEquals(4, m.statistics().size());
    }

    @Test
    void aModuleThatBecomesPartOfAnotherIsRenamed() {
        Pair inner = new Pair(new Linear(2, 2), "other");
        Variable scale = inner.variables().get("scale");
        assertEquals("scale", scale.name());
        Sequential.of(inner);
        assertEquals("0.scale", scale.name());
    }

    @Test
    void whatIsAppliedIsLabelledWithThePath() {
        GraphBuilder b = new GraphBuilder(false);
        Sequential.of(Sequential.of(new Linear(2, 3))).apply(b.input("x", TensorType.f32(1, 2)));
        assertTrue(b.build().nodes().stream().filter(n -> n.op().name().equals("matmul")).allMatch(n -> n.label().equals("0.0")));
    }

    @Test
    void namesAreUniqueAndPartsHaveOneHome() {
        assertTrue(assertThrows(CallerException.class, () -> new Pair(new Linear(1, 1), "first")).getMessage().contains("name taken: got first"));
        assertTrue(assertThrows(CallerException.class, () -> new Pair(new Linear(1, 1), "a.b")).getMessage().contains("not a name"));
        Linear shared = new Linear(1, 1);
        assertTrue(assertThrows(CallerException.class, () -> Sequential.of(shared, shared)).getMessage().contains("part of two modules: got 0 as 1"));
    }
}
