package dev.jacquard.tck;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.OpRow;
import dev.jacquard.tensor.op.OpTable;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.ViewOp;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.function.Executable;
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

    /** The table itself has no gaps. */
    @TestFactory
    Stream<DynamicTest> table() {
        return Stream.of(DynamicTest.dynamicTest("op table: samples, gradients or definitions", () -> Coverage.verify(OpTable.rows())));
    }

    /** Every sample in every type under every layout. */
    @TestFactory
    Stream<DynamicTest> forward() {
        return OpTable.rows().stream().flatMap(row -> row.samples().stream().flatMap(sample -> dtypes().stream().flatMap(dtype -> forward(row, sample, dtype))));
    }

    private Stream<DynamicTest> forward(OpRow row, Sample sample, DType dtype) {
        Sample typed = Case.retyped(sample, dtype);
        if (dtype != DType.F32 && typed.equals(sample)) {
            return Stream.empty(); // no floating operand
        }
        Op needed = typed.op() instanceof ViewOp ? new Movement.Copy() : typed.op(); // a view is read back through a copy
        Optional<String> missing = backend().unsupported(needed, typed.types());
        if (missing.isPresent()) {
            coverage.missing(typed.op().name(), dtype.toString());
            return dtype == DType.F32 && Coverage.needsKernel(row) ? one(typed, dtype, "kernel", () -> {
                throw new AssertionError(typed + ": a primitive without a kernel: " + missing.get());
            }) : Stream.empty();
        }
        return Stream.of(Variant.values()).filter(v -> v.applies(typed)).flatMap(v -> one(typed, dtype, v.toString(),
                () -> coverage.used(typed.op().name(), OpCheck.forward(backend(), sample, dtype, v, seed))));
    }

    private Stream<DynamicTest> one(Sample sample, DType dtype, String what, Executable check) {
        String name = new Case(backend().name(), sample, dtype, what, seed).toString();
        if (!Case.selected(name)) {
            return Stream.empty();
        }
        coverage.add(sample.op().name(), 1);
        return Stream.of(DynamicTest.dynamicTest(name, check));
    }

    /** Every use that must be refused. */
    @TestFactory
    Stream<DynamicTest> errors() {
        return OpTable.rows().stream().flatMap(row -> row.errors().stream()).map(e -> DynamicTest.dynamicTest(
                        backend().name() + " refuses " + e.op() + " of " + e.types(), () -> OpCheck.refused(backend(), e)))
                .filter(t -> Case.selected(t.getDisplayName()));
    }

    /** Every composite that has a kernel, against its definition. */
    @TestFactory
    Stream<DynamicTest> composites() {
        return OpTable.rows().stream().filter(row -> Composite.class.isAssignableFrom(row.type())).flatMap(row -> row.samples().stream())
                .filter(s -> backend().unsupported(s.op(), s.types()).isEmpty())
                .flatMap(s -> one(s, DType.F32, "definition", () -> OpCheck.lowered(backend(), s, DType.F32, seed)));
    }

    /** Every sample's gradients, against the reference's. */
    @TestFactory
    Stream<DynamicTest> gradients() {
        return OpTable.rows().stream().flatMap(row -> row.samples().stream()).flatMap(s -> one(s, DType.F32, "gradient",
                () -> TwinCheck.gradients(backend(), s, seed).ifPresent(why -> Assumptions.abort("nothing to check: " + why))));
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
