package dev.jacquard.tck;

import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.Sample;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The calculus, checked on the reference backend. */
class ReferenceTckTest {
    private static final long SEED = Case.seedOfRun();

    @Test
    void everyRowIsComplete() {
        Coverage.verify(OpTable.rows());
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return samples("gradient", GradCheck::first);
    }

    @TestFactory
    Stream<DynamicTest> secondGradients() {
        return samples("second gradient", GradCheck::second);
    }

    private static Stream<DynamicTest> samples(String what, BiFunction<Sample, Long, Optional<String>> check) {
        List<Sample> all = OpTable.rows().stream().flatMap(r -> r.samples().stream()).toList();
        return all.stream().map(s -> DynamicTest.dynamicTest("reference " + s + " f64 " + what, () ->
                check.apply(s, SEED).ifPresent(why -> Assumptions.abort("nothing to check: " + why))))
                .filter(t -> Case.selected(t.getDisplayName()));
    }
}
