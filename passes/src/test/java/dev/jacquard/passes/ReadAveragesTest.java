package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReadAveragesTest {
    private static Variable variable(String name) {
        return new Variable(() -> name, TensorType.f32(3), Variable.Role.PARAMETER, Initializer.ZEROS);
    }

    @Test
    void averagesAreReadAndTheRestStays() {
        Variable w = variable("w");
        Variable other = variable("other");
        Variable average = variable("ema.w");
        GraphBuilder b = new GraphBuilder(false);
        b.output("y", b.read(w).mul(b.input("x", TensorType.f32(3))).add(b.read(other)));
        b.write(w, b.read(w).add(1));
        Graph g = new ReadAverages(Map.of(w, average)).apply(b.build());
        assertEquals(List.of(average, other, w), g.variables(), g.print());
        assertEquals(Set.of(w), g.updates().keySet());
        assertEquals(Set.of("x"), g.inputs().keySet());
        assertEquals(Set.of("y"), g.outputs().keySet());
    }
}
