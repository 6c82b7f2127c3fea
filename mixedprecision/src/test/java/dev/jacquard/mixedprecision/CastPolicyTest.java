package dev.jacquard.mixedprecision;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Loss;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.OpRow;
import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Quantization;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import org.junit.jupiter.api.Test;

class CastPolicyTest {
    private record Outside() implements Pointwise.Unary {
        @Override
        public double apply(double x) {
            return x;
        }
    }

    private record Wide() implements CastPolicy.Custom {
        @Override
        public CastPolicy castPolicy() {
            return CastPolicy.WIDE;
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return in;
        }
    }

    @Test
    void everyOpOfTheTableHasARow() {
        List<String> without = OpTable.rows().stream().map(OpRow::type).filter(op -> CastPolicy.row(op).isEmpty()).map(Class::getSimpleName).toList();
        assertTrue(without.isEmpty(), () -> "no row in CastPolicy for " + without);
        for (Class<?> leaf : Leaf.class.getPermittedSubclasses()) {
            assertTrue(CastPolicy.row(leaf.asSubclass(Leaf.class)).isPresent(), leaf::getSimpleName);
        }
    }

    @Test
    void rowsAreThoseOfPyTorchsLists() {
        assertEquals(CastPolicy.HALF, CastPolicy.of(new Convolution.Conv2d(Window.of(1, 0), 1)));
        assertEquals(CastPolicy.WIDE, CastPolicy.of(new Loss.CrossEntropy(0.1)));
        assertEquals(CastPolicy.WIDE, CastPolicy.of(new Pointwise.Exp()));
        assertEquals(CastPolicy.FOLLOWS, CastPolicy.of(new Pointwise.Relu()));
        assertEquals(CastPolicy.WIDEST, CastPolicy.of(new Movement.Concat(0)));
        assertEquals(CastPolicy.WIDE, CastPolicy.of(new Quantization.FakeQuantize(-128, 127)), "of two families that it belongs to, the narrower one's");
    }

    @Test
    void opsFromOutsideFollowOrSayTheirRow() {
        assertEquals(CastPolicy.FOLLOWS, CastPolicy.of(new Outside()));
        assertEquals(CastPolicy.WIDE, CastPolicy.of(new Wide()));
    }
}
