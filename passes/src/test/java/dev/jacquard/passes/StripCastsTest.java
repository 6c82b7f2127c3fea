package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.List;
import org.junit.jupiter.api.Test;

class StripCastsTest {
    /** Takes its second operand in half precision. */
    private record Step() implements Op {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return in.subList(0, 1);
        }

        @Override
        public boolean narrow(int input) {
            return input == 1;
        }
    }

    private final GraphBuilder b = new GraphBuilder(true);
    private final Tensor w = b.input("w", TensorType.f32(4));
    private final Tensor g = b.input("g", TensorType.of(DType.F16, 4));

    private static List<Op> ops(Graph graph) {
        return graph.nodes().stream().map(n -> n.op()).filter(op -> !(op instanceof Leaf)).toList();
    }

    private Graph stripped(Tensor y) {
        b.output("y", y);
        return new StripCasts().apply(b.build());
    }

    @Test
    void aReaderOfNarrowOperandsReadsThem() {
        Graph out = stripped(w.apply(new Step(), g.cast(DType.F32)));
        assertEquals(List.of(new Step()), ops(out));
        assertEquals(DType.F16, out.outputs().get("y").node().inputs().get(1).dtype());
    }

    @Test
    void otherOperandsStay() {
        Tensor wide = g.cast(DType.F32);
        assertEquals(List.of(new Movement.Cast(DType.F32), new Step()), ops(stripped(wide.apply(new Step(), wide))), "the first operand is F32, and so the cast stays");
        assertEquals(List.of(new Movement.Cast(DType.F16), new Step()), ops(new StripCasts().apply(rounded())), "rounding is no widening");
    }

    private Graph rounded() {
        GraphBuilder other = new GraphBuilder(true);
        Tensor x = other.input("x", TensorType.f32(4));
        other.output("y", x.apply(new Step(), x.cast(DType.F16)));
        return other.build();
    }

    @Test
    void thereAndBackIsTheSameValue() {
        Graph out = stripped(g.cast(DType.F32).cast(DType.F16).relu());
        Symbol read = out.outputs().get("y").node().inputs().getFirst();
        assertSame(out.inputs().get("g"), read);
    }

    /** As in the gradient of a mean over pixels: the mean's is computed in F32, and each pixel's is in half precision. */
    @Test
    void whatIsRepeatedIsCastBefore() {
        Tensor pixels = g.cast(DType.F32).mul(0.25).apply(new Movement.Broadcast(Shape.of(3, 4)));
        b.output("wide", pixels.relu());
        Graph out = stripped(pixels.cast(DType.F16));
        Symbol y = out.outputs().get("y");
        assertEquals(TensorType.of(DType.F16, 3, 4), y.type());
        assertEquals(new Movement.Broadcast(Shape.of(3, 4)), y.node().op());
        assertEquals(TensorType.of(DType.F16, 4), y.node().inputs().getFirst().type());
        assertEquals(DType.F32, out.outputs().get("wide").dtype(), "who reads it in F32 still does");
    }

    @Test
    void roundingThereAndBackStays() {
        assertEquals(2, ops(stripped(w.cast(DType.F16).cast(DType.F32))).size());
        assertEquals(2, ops(new StripCasts().apply(toTheOther())).size(), "F16 to F32 to BF16 rounds");
    }

    private Graph toTheOther() {
        GraphBuilder other = new GraphBuilder(true);
        other.output("y", other.input("x", TensorType.of(DType.F16, 4)).cast(DType.F32).cast(DType.BF16));
        return other.build();
    }
}
