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
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseCastsTest {
    private final GraphBuilder b = new GraphBuilder(false);

    private Tensor weight(String name, long... dims) {
        return b.read(new Variable(() -> name, TensorType.f32(dims), Variable.Role.PARAMETER, Initializer.ZEROS));
    }

    private static List<Op> casts(Graph g) {
        return g.nodes().stream().map(n -> n.op()).filter(op -> op instanceof Movement.Cast || op instanceof Movement.CastAll).toList();
    }

    /** Weights that are used one after the other, a cast of something computed, and one to another type. */
    private Graph network() {
        Tensor x = b.input("x", TensorType.of(DType.F16, 2, 3));
        x = x.matmul(weight("a", 3, 3).cast(DType.F16)).relu();
        x = x.matmul(weight("b", 3, 5).cast(DType.F16));
        x = x.cast(DType.F32).exp().cast(DType.F16);
        b.output("y", x.matmul(weight("c", 5, 1).cast(DType.F16)));
        b.output("z", weight("d", 4).cast(DType.BF16));
        return b.build();
    }

    @Test
    void castsOfWeightsBecomeOne() {
        Graph g = network();
        Graph fused = new FuseCasts(PaperDevice.COMPLETE).apply(g).verify();
        assertEquals(1, casts(fused).stream().filter(op -> op.equals(new Movement.CastAll(DType.F16))).count(), fused.print());
        assertEquals(4, casts(fused).size(), fused.print()); // the three are one; two of what is computed, one to another type
        assertEquals(g.outputs().keySet(), fused.outputs().keySet());
    }

    @Test
    void whereTheDeviceHasNoKernelNothingChanges() {
        Graph g = network();
        assertSame(g, new FuseCasts(PaperDevice.without(Movement.CastAll.class)).apply(g));
    }

    @Test
    void oneCastStaysACast() {
        b.output("y", weight("a", 3).cast(DType.F16));
        Graph g = b.build();
        assertSame(g, new FuseCasts(PaperDevice.COMPLETE).apply(g));
    }
}
