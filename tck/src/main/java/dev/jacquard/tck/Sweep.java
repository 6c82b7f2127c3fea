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
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * Everything that the op table lets us check of a backend, as a list of checks: {@link BackendTck} makes tests of it, {@code ./jacquard selftest} a table.
 *
 * @param backend what is checked
 * @param dtypes floating types to sweep; F32 must have a kernel for every primitive, the others are swept where there is one
 * @param seed all values are a function of it
 * @param tolerances by which results are judged
 */
public record Sweep(Backend backend, List<DType> dtypes, long seed, Tolerance.Table tolerances) {
    /** With the tolerances of a backend whose F32 is F32. */
    public Sweep(Backend backend, List<DType> dtypes, long seed) {
        this(backend, dtypes, seed, Tolerance::of);
    }

    /** Copies. */
    public Sweep {
        dtypes = List.copyOf(dtypes);
    }

    /** How a check ended that did not fail. @param used part of the tolerance that the worst element took, 0 where none is @param skipped why there was nothing to check */
    public record Outcome(double used, Optional<String> skipped) {
        private static Outcome used(double part) {
            return new Outcome(part, Optional.empty());
        }
    }

    /** What a check does; throws AssertionError. */
    @FunctionalInterface
    public interface Body {
        /** Runs it. @throws AssertionError with the command that reruns it */
        Outcome run();
    }

    /** One check. @param name of the case @param op it is about @param body what it does */
    public record Check(String name, String op, Body body) {}

    /** All checks. @param missing is told the op and the type where there is no kernel */
    public Stream<Check> all(BiConsumer<String, String> missing) {
        return Stream.of(forward(missing), errors(), composites(), gradients()).flatMap(s -> s);
    }

    /** Every sample in every type under every layout. @param missing is told the op and the type where there is no kernel */
    public Stream<Check> forward(BiConsumer<String, String> missing) {
        return samples().flatMap(s -> dtypes.stream().flatMap(dtype -> forward(s.row, s.sample, dtype, missing)));
    }

    private record RowSample(OpRow row, Sample sample) {}

    private static Stream<RowSample> samples() {
        return OpTable.rows().stream().flatMap(row -> row.samples().stream().map(s -> new RowSample(row, s)));
    }

    private Stream<Check> forward(OpRow row, Sample sample, DType dtype, BiConsumer<String, String> missing) {
        Sample typed = sample.withDType(dtype);
        if (dtype != DType.F32 && typed.equals(sample)) {
            return Stream.empty(); // no floating operand
        }
        Op needed = typed.op() instanceof ViewOp ? new Movement.Copy() : typed.op(); // a view is read back through a copy
        Optional<String> reason = backend.unsupported(needed, typed.types());
        if (reason.isPresent()) {
            missing.accept(typed.op().name(), dtype.toString());
            return dtype == DType.F32 && Coverage.needsKernel(row) ? Stream.of(check(typed, dtype, "kernel", () -> {
                throw new AssertionError(typed + ": a primitive without a kernel: " + reason.get());
            })) : Stream.empty();
        }
        return Stream.of(Variant.values()).filter(v -> v.applies(typed))
                .map(v -> check(typed, dtype, v.toString(), () -> Outcome.used(OpCheck.forward(backend, sample, dtype, v, seed, tolerances))));
    }

    private Check check(Sample sample, DType dtype, String what, Body body) {
        return new Check(new Case(backend.name(), sample, dtype, what, seed).toString(), sample.op().name(), body);
    }

    /** Every use that must be refused. */
    public Stream<Check> errors() {
        return OpTable.rows().stream().flatMap(row -> row.errors().stream()).map(e -> new Check(backend.name() + " refuses " + e.op() + " of " + e.types(), e.op().name(), () -> {
            OpCheck.refused(backend, e);
            return Outcome.used(0);
        }));
    }

    /** Every composite that has a kernel, against its definition. */
    public Stream<Check> composites() {
        return samples().filter(s -> Composite.class.isAssignableFrom(s.row.type()) && backend.unsupported(s.sample.op(), s.sample.types()).isEmpty())
                .map(s -> check(s.sample, DType.F32, "definition", () -> {
                    OpCheck.lowered(backend, s.sample, DType.F32, seed, tolerances);
                    return Outcome.used(0);
                }));
    }

    /** Every sample's gradients, against the reference's. */
    public Stream<Check> gradients() {
        return samples().map(s -> check(s.sample, DType.F32, "gradient", () -> new Outcome(0, TwinCheck.gradients(backend, s.sample, seed, tolerances))));
    }
}
