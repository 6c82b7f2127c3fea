package dev.jacquard.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.Sample;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Param;

class OpBenchTest {
    @Test
    void allOpsAreTimedAndFitTheirOperands() throws NoSuchFieldException {
        assertEquals(BenchOps.names(), List.of(OpBench.class.getField("name").getAnnotation(Param.class).value()));
        for (String name : BenchOps.names()) {
            Sample s = BenchOps.of(name).sample();
            assertEquals(s.op().infer(s.types()).isEmpty(), false, name);
        }
    }

    @Test
    void aRunThatComputesWhatTheReferenceComputesIsTimed() {
        OpBench bench = new OpBench();
        for (String name : List.of("linear-16-2048-1000", "mean-7-2048", "forward-depthwise-5x5-14-672")) {
            bench.name = name;
            bench.setUp();
            bench.run();
            bench.tearDown();
        }
    }

    @Test
    void aRunThatComputesSomethingElseIsNot() {
        Sample relu = Sample.of(new Pointwise.Relu(), Operand.of(33));
        try (var cpu = dev.jacquard.tensor.backend.Backends.open("cpu", 1); var state = new dev.jacquard.tensor.plan.State(cpu)) {
            var b = new dev.jacquard.tensor.graph.GraphBuilder(false);
            b.output("y0", b.input("x", dev.jacquard.tensor.TensorType.f32(33)).abs());
            try (var plan = dev.jacquard.tensor.plan.Plan.of(b.build(), state)) {
                double[] x = relu.operands().getFirst().materialize(1, 0);
                float[] f = new float[x.length];
                for (int i = 0; i < x.length; i++) {
                    f[i] = (float) x[i];
                }
                plan.feed("x", java.lang.foreign.MemorySegment.ofArray(f));
                plan.run();
                assertThrows(IllegalStateException.class, () -> OpBench.check(relu, List.of(x), plan));
            }
        }
    }
}
