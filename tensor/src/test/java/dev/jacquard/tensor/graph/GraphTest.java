package dev.jacquard.tensor.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Pointwise;
import java.util.List;
import org.junit.jupiter.api.Test;

class GraphTest {
    private final Variable w = new Variable(() -> "fc.weight", TensorType.f32(3, 4), Variable.Role.PARAMETER, Initializer.ZEROS);

    private Graph linear() {
        GraphBuilder b = new GraphBuilder(true);
        Tensor x = b.input("x", TensorType.f32(2, 4));
        try (var _ = b.label("fc")) {
            b.output("y", x.matmul(b.read(w), true).relu());
        }
        b.write(w, b.read(w).mul(0.5));
        return b.build();
    }

    @Test
    void printsOneNodeALineWithTypesAndLabels() {
        assertEquals("""
                %0 = input() [label=x, type=f32(2, 4)] : f32(2, 4)
                %1 = read() [variable=fc.weight: f32(3, 4)] : f32(3, 4)  # fc
                %2 = matmul(%0, %1) [transposeA=false, transposeB=true] : f32(2, 3)  # fc
                %3 = relu(%2) : f32(2, 3)  # fc
                %4 = affine(%1) [scale=0.5, shift=0.0] : f32(3, 4)
                output y = %3
                update fc.weight = %4
                """, linear().print());
    }

    @Test
    void aVariableIsReadOnce() {
        GraphBuilder b = new GraphBuilder(false);
        assertSame(b.read(w), b.read(w));
        assertSame(b.fill(TensorType.f32(), 2), b.fill(TensorType.f32(), 2));
    }

    @Test
    void rewritesReplaceNodes() {
        Graph g = linear().rewrite((n, in) -> n.op() instanceof Pointwise.Relu ? List.of(in.getFirst().silu()) : null);
        assertEquals(1, g.nodes().stream().filter(n -> n.op() instanceof Pointwise.Silu).count());
        assertEquals("fc", g.outputs().get("y").node().label());
        assertEquals(1, g.updates().size());
    }

    @Test
    void costsAddUp() {
        assertEquals(2 * 2 * 3 * 4 + 6 + 12, linear().cost().flops());
    }

    @Test
    void refusesStrangersAndMisfits() {
        GraphBuilder a = new GraphBuilder(false);
        GraphBuilder b = new GraphBuilder(false);
        Tensor x = a.input("x", TensorType.f32(2));
        assertThrows(CallerException.class, () -> b.output("y", x));
        assertThrows(CallerException.class, () -> a.input("x", TensorType.f32(2)));
        assertThrows(CallerException.class, () -> a.write(w, x));
        assertThrows(ShapeException.class, () -> x.add(a.fill(new TensorType(x.dtype(), Shape.of(3)), 1)));
    }
}
