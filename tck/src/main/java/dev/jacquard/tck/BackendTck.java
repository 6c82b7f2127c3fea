package dev.jacquard.tck;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.OpTable;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What every backend must pass; derived from the op table, so that nothing here names an op. A backend proves itself by a subclass:
 *
 * {@snippet :
 * class CpuTckTest extends BackendTck {
 *     private static final Backend CPU = new CpuBackend(2);
 *
 *     @Override
 *     protected Backend backend() {
 *         return CPU;
 *     }
 * }
 * }
 *
 * <p>{@code -Dcase=} runs the cases whose name contains a text, or matches a pattern with {@code *}; {@code -Dseed=} changes all values. The number of
 * cases per op, and the ops that have no kernel of their own, are logged at the end.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendTck {
    private static final Logger LOG = LoggerFactory.getLogger(BackendTck.class);
    private static final int PLAN_STEPS = 4;

    private final Coverage coverage = new Coverage();
    private final long seed = Case.seedOfRun();

    /** For subclasses. */
    protected BackendTck() {}

    /** The backend under test; always the same one. */
    protected abstract Backend backend();

    /** Floating types to sweep; F32 must have a kernel for every primitive, the others are swept where there is one. */
    protected List<DType> dtypes() {
        return List.of(DType.F32, DType.F16, DType.BF16, DType.F64);
    }

    /** By which results are judged; {@link Tolerance#tf32} for a backend that may round operands to TF32. */
    protected Tolerance.Table tolerances() {
        return Tolerance::of;
    }

    /** The table itself has no gaps. */
    @TestFactory
    Stream<DynamicTest> table() {
        return Stream.of(DynamicTest.dynamicTest("op table: samples, gradients or definitions", () -> Coverage.verify(OpTable.rows())));
    }

    /** Every sample in every type under every layout. */
    @TestFactory
    Stream<DynamicTest> forward() {
        return tests(count(sweep().forward(coverage::missing)));
    }

    /** Every use that must be refused. */
    @TestFactory
    Stream<DynamicTest> errors() {
        return tests(sweep().errors());
    }

    /** Every composite that has a kernel, against its definition. */
    @TestFactory
    Stream<DynamicTest> composites() {
        return tests(count(sweep().composites()));
    }

    /** Every sample's gradients, against the reference's. */
    @TestFactory
    Stream<DynamicTest> gradients() {
        return tests(count(sweep().gradients()));
    }

    private Sweep sweep() {
        return new Sweep(backend(), dtypes(), seed, tolerances());
    }

    /** Notes the checks that will run. */
    private Stream<Sweep.Check> count(Stream<Sweep.Check> checks) {
        return checks.filter(c -> Case.selected(c.name())).peek(c -> coverage.add(c.op(), 1));
    }

    private Stream<DynamicTest> tests(Stream<Sweep.Check> checks) {
        return checks.filter(c -> Case.selected(c.name())).map(c -> DynamicTest.dynamicTest(c.name(), () -> {
            Sweep.Outcome o = c.body().run();
            coverage.used(c.op(), o.used());
            o.skipped().ifPresent(why -> Assumptions.abort("nothing to check: " + why));
        }));
    }

    /** Training steps as a plan, and eagerly. */
    @TestFactory
    Stream<DynamicTest> plan() {
        return Stream.of(1, PLAN_STEPS).map(steps -> DynamicTest.dynamicTest(PlanCheck.name(backend(), steps),
                        () -> PlanCheck.check(backend(), steps, seed)))
                .filter(t -> Case.selected(t.getDisplayName()));
    }

    /** Logs what was covered. */
    @AfterAll
    void summary() {
        LOG.info("{}: seed {}: {}", backend().name(), seed, coverage.summary());
    }
}
