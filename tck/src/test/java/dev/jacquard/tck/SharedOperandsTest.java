package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Pointwise;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Gradients where operands are one tensor, or come from each other: each way is counted once. */
class SharedOperandsTest {
    private static void check(UnaryOperator<Tensor> f) {
        double[] x = {0.3, -0.7, 1.1};
        double[] gradient;
        try (Scope s = Scope.training(Oracle.reference())) {
            Tensor t = s.tensor(TensorType.of(DType.F64, 3), x);
            gradient = ((EagerTensor) Gradients.of(f.apply(t).sum(), List.of(t)).getFirst()).doubles();
        }
        double[] difference = new double[3];
        for (int i = 0; i < 3; i++) {
            difference[i] = (at(f, x, i, Tolerance.STEP) - at(f, x, i, -Tolerance.STEP)) / (2 * Tolerance.STEP);
        }
        assertTrue(Comparator.difference(TensorType.of(DType.F64, 3), gradient, difference, Tolerance.gradient(), 1).isEmpty());
    }

    private static double at(UnaryOperator<Tensor> f, double[] x, int i, double step) {
        double[] moved = x.clone();
        moved[i] += step;
        try (Scope s = Scope.open(Oracle.reference())) {
            return ((EagerTensor) f.apply(s.tensor(TensorType.of(DType.F64, 3), moved)).sum()).item();
        }
    }

    @Test
    void primitive() {
        check(x -> x.mul(x));
        check(x -> x.mulAdd(x, x));
    }

    @Test
    void compositeOfOneTensorTwice() {
        check(x -> x.apply(new Pointwise.SiluBackward(), x));
        check(x -> x.apply(new Pointwise.SigmoidBackward(), x));
    }

    @Test
    void compositeOfTensorsThatComeFromEachOther() {
        check(x -> x.exp().apply(new Pointwise.SiluBackward(), x));
        check(x -> x.apply(new Pointwise.SiluBackward(), x.exp()));
        check(x -> {
            Tensor y = x.sigmoid();
            return y.square().apply(new Pointwise.SigmoidBackward(), y);
        });
    }
}
