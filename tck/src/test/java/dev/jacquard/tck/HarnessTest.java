package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Calculus;
import dev.jacquard.autograd.Gradient;
import dev.jacquard.tck.SabotagedBackend.Fault;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Normalization;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.OpRow;
import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The kit is only worth something if it finds what is wrong: kernels and rules that are broken on purpose must fail. */
class HarnessTest {
    private static final long SEED = 7;
    private static final Sample SUM = Sample.of(Reduction.Sum.over(1), Operand.of(6, 33));

    private static String failure(org.junit.jupiter.api.function.Executable check) {
        return assertThrows(AssertionError.class, check).getMessage();
    }

    private static void run(Backend backend, Sample sample, Variant variant) {
        OpCheck.forward(backend, sample, DType.F32, variant, SEED);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "IGNORES_STRIDES")
    void everyFaultOfAKernelIsFound(Fault fault) {
        try (SabotagedBackend bad = new SabotagedBackend(Reduction.Sum.class, fault)) {
            String message = failure(() -> run(bad, SUM, Variant.CONTIGUOUS));
            assertTrue(message.contains(fault.message), message);
            assertTrue(message.contains("rerun: ./mvnw -pl sabotaged -am test -Dcase='sabotaged sum(f32(6, 33))[axes=[1], keep=false] f32 contiguous'"), message);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aKernelWithoutFaultsPasses(Variant variant) {
        try (SabotagedBackend good = new SabotagedBackend(MatMul.class, Fault.ONE_ELEMENT)) {
            Sample add = Sample.of(new Pointwise.Add(), Operand.of(6, 33), Operand.of(6, 33));
            assertDoesNotThrow(() -> run(good, add, variant));
        }
    }

    @Test
    void theFaultThatOnlyALayoutShowsIsFound() {
        Sample difference = Sample.of(new Pointwise.Sub(), Operand.of(6, 8), Operand.of(6, 8));
        try (Backend bad = new SabotagedBackend(Pointwise.Sub.class, Fault.IGNORES_STRIDES)) {
            assertDoesNotThrow(() -> run(bad, difference, Variant.CONTIGUOUS));
            failure(() -> run(bad, difference, Variant.STRIDED));
            failure(() -> run(bad, difference, Variant.OFFSET));
            failure(() -> run(bad, difference, Variant.BROADCAST));
        }
    }

    @Test
    void aBrokenKernelShowsInGradientsAndPlans() {
        Sample conv = Sample.of(new Convolution.Conv2d(Window.of(1, 1), 1), Operand.of(1, 4, 4, 2), Operand.of(3, 3, 3, 2));
        try (Backend bad = new SabotagedBackend(Convolution.Conv2dBackwardWeight.class, Fault.ONE_ELEMENT)) {
            assertTrue(failure(() -> TwinCheck.gradients(bad, conv, SEED)).contains("by input 1"));
            assertTrue(failure(() -> PlanCheck.check(bad, 1, SEED)).contains("plan against the reference's"));
        }
    }

    @Test
    void aBrokenFusedKernelShowsAgainstItsDefinition() {
        Sample silu = Sample.of(new Pointwise.SiluBackward(), Operand.of(5, 7), Operand.of(5, 7));
        assertDoesNotThrow(() -> OpCheck.lowered(Oracle.reference(), silu, DType.F32, SEED));
        try (Backend bad = new SabotagedBackend(Pointwise.SiluBackward.class, Fault.ONE_ELEMENT)) {
            failure(() -> OpCheck.lowered(bad, silu, DType.F32, SEED));
        }
    }

    /** x^2 with a rule that forgets the 2. */
    private record HalfSquare() implements Pointwise.Unary, Calculus.Differentiable {
        @Override
        public double apply(double x) {
            return x * x;
        }

        @Override
        public List<Gradient> gradients() {
            return List.of(new Gradient.Formula(a -> a.dy().mul(a.x(0))));
        }
    }

    /** x^2 that says to have no gradient. */
    private record FlatSquare() implements Pointwise.Unary, Calculus.Differentiable {
        @Override
        public double apply(double x) {
            return x * x;
        }

        @Override
        public List<Gradient> gradients() {
            return List.of(new Gradient.None());
        }
    }

    /** x^3 whose first gradient is right, but made by an op that says it is constant. */
    private record Cube() implements Pointwise.Unary, Calculus.Differentiable {
        @Override
        public double apply(double x) {
            return x * x * x;
        }

        @Override
        public List<Gradient> gradients() {
            return List.of(new Gradient.Formula(a -> a.dy().mul(a.x(0).apply(new FlatSquare()).mul(3))));
        }
    }

    /** a - b whose gradients are exchanged: a sum of the result by a symmetric use would not show it. */
    private record Exchanged() implements Pointwise.Binary, Calculus.Differentiable {
        @Override
        public double apply(double a, double b) {
            return a - b;
        }

        @Override
        public List<Gradient> gradients() {
            return List.of(new Gradient.Formula(a -> a.dy().neg()), new Gradient.Formula(Gradient.Application::dy));
        }
    }

    @Test
    void wrongRulesAreFound() {
        Operand x = Operand.range(0.5, 1, 3, 2);
        assertTrue(failure(() -> GradCheck.first(Sample.of(new HalfSquare(), x), SEED)).contains("output 0 by input 0"));
        failure(() -> GradCheck.first(Sample.of(new FlatSquare(), x), SEED));
        failure(() -> GradCheck.first(Sample.of(new Exchanged(), x, x), SEED));
        assertDoesNotThrow(() -> GradCheck.first(Sample.of(new Cube(), x), SEED));
        failure(() -> GradCheck.second(Sample.of(new Cube(), x), SEED));
    }

    /** A composite whose definition is of another type than its rule says. */
    private record Liar() implements Composite {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return in;
        }

        @Override
        public List<Tensor> define(List<Tensor> in) {
            return List.of(in.getFirst().sum());
        }
    }

    @Test
    void aDefinitionOfAnotherTypeIsFound() {
        assertTrue(failure(() -> OpCheck.lowered(Oracle.reference(), Sample.of(new Liar(), Operand.of(4)), DType.F32, SEED)).contains("the definition has types"));
    }

    @Test
    void missingOrWrongRefusalsAreFound() {
        MatMul matmul = new MatMul(false, false);
        TensorType square = TensorType.f32(2, 2);
        assertTrue(failure(() -> OpCheck.refused(Oracle.reference(), new OpRow.ErrorSample(matmul, List.of(square, square), "anything"))).contains("not refused"));
        assertTrue(failure(() -> OpCheck.refused(Oracle.reference(), new OpRow.ErrorSample(matmul, List.of(square, TensorType.f32(3, 2)), "the moon")))
                .contains("but not with /the moon/"));
    }

    /** An op that nobody can differentiate. */
    private record Ruleless() implements Op {
        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return in;
        }
    }

    @Test
    void gapsOfTheTableAreFound() {
        assertDoesNotThrow(() -> Coverage.verify(OpTable.rows()));
        assertTrue(failure(() -> Coverage.verify(List.of(OpRow.of(Pointwise.Add.class, "no samples")))).contains("no samples"));
        assertTrue(failure(() -> Coverage.verify(List.of(OpRow.of(Pointwise.Add.class, "another's", SUM)))).contains("a sample of another op"));
        OpRow ruleless = OpRow.of(Ruleless.class, "no rule", Sample.of(new Ruleless(), Operand.of(3)));
        assertTrue(failure(() -> Coverage.verify(List.of(ruleless))).contains("neither a row in the calculus nor a definition"));
    }

    @Test
    void variantsAreWhatTheySay() {
        TensorType t = TensorType.f32(2, 3);
        assertTrue(Variant.CONTIGUOUS.layout(t.shape()).isContiguous());
        assertTrue(!Variant.STRIDED.layout(t.shape()).isContiguous() && Variant.STRIDED.layout(t.shape()).shape().equals(t.shape()));
        assertTrue(Variant.OFFSET.layout(t.shape()).offset() > 0 && !Variant.OFFSET.layout(t.shape()).isContiguous());
        assertTrue(Variant.BROADCAST.layout(t.shape()).stride(-1) == 0);
        Sample norm = Sample.of(new Normalization.BatchNormBackward(1e-5), Operand.of(4, 3), Operand.of(4, 3), Operand.of(3), Operand.of(3), Operand.range(0.3, 0.4, 3));
        assertTrue(Variant.IN_PLACE.applies(norm));
        assertTrue(!Variant.IN_PLACE.applies(SUM) && !Variant.BROADCAST.applies(Sample.of(new Pointwise.Exp(), Operand.of())));
    }
}
