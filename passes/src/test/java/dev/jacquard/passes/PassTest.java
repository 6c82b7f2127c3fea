package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import org.junit.jupiter.api.Test;

class PassTest {
    @Test
    void equalApplicationsBecomeOne() {
        GraphBuilder b = new GraphBuilder(false);
        Tensor x = b.input("x", TensorType.f32(4));
        b.output("y", x.exp().add(1).mul(x.exp().add(1)).add(x.exp().add(2)));
        Graph g = new CommonSubexpressions().apply(b.build());
        // x, exp, +1, *, +2, +
        assertEquals(6, g.nodes().size(), g.print());
    }

    @Test
    void differentRandomNumbersStayDifferent() {
        GraphBuilder b = new GraphBuilder(true);
        b.output("y", b.uniform(Shape.of(3)).add(b.uniform(Shape.of(3))));
        assertEquals(4, new CommonSubexpressions().apply(b.build()).nodes().size());
    }

    @Test
    void deadNodesAreLeftOut() {
        GraphBuilder b = new GraphBuilder(false);
        Tensor x = b.input("x", TensorType.f32(4));
        x.exp().log();
        b.output("y", x.relu());
        assertEquals(2, Pass.withoutDeadNodes(b.build()).nodes().size());
    }
}
