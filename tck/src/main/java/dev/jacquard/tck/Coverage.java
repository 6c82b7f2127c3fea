package dev.jacquard.tck;

import dev.jacquard.autograd.Calculus;
import dev.jacquard.tensor.op.Composite;
import dev.jacquard.tensor.op.OpRow;
import dev.jacquard.tensor.op.ViewOp;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What the op table must have, and how much of it a run has seen. */
public final class Coverage {
    private final Map<String, Integer> cases = new TreeMap<>();
    private final Map<String, TreeSet<String>> missing = new TreeMap<>();

    /** Nothing seen yet. */
    public Coverage() {}

    /**
     * Checks that every row has samples, samples of its own op, and a rule for gradients: a row of the calculus or a definition.
     *
     * @throws AssertionError naming every row that has not
     */
    public static void verify(List<OpRow> rows) {
        String problems = rows.stream().flatMap(r -> problems(r).stream()).collect(Collectors.joining("\n  "));
        if (!problems.isEmpty()) {
            throw new AssertionError("the op table has gaps:\n  " + problems);
        }
    }

    private static List<String> problems(OpRow row) {
        List<String> problems = new java.util.ArrayList<>();
        String name = row.type().getSimpleName();
        if (row.samples().isEmpty()) {
            problems.add(name + ": no samples; what is not sampled is not tested: add some to its row");
        }
        if (row.samples().stream().anyMatch(s -> s.op().getClass() != row.type())) {
            problems.add(name + ": a sample of another op; move it to that op's row");
        }
        boolean ruled = Calculus.covers(row.type()) || Composite.class.isAssignableFrom(row.type()) || Calculus.Differentiable.class.isAssignableFrom(row.type());
        if (!ruled) {
            problems.add(name + ": neither a row in the calculus nor a definition; add the row to Calculus, also if it says that there is no gradient");
        }
        return problems;
    }

    /** Whether a backend must have a kernel: composites have their definition, views need none. */
    static boolean needsKernel(OpRow row) {
        return !Composite.class.isAssignableFrom(row.type()) && !ViewOp.class.isAssignableFrom(row.type());
    }

    /** Notes cases of an op. */
    synchronized void add(String op, int n) {
        cases.merge(op, n, Integer::sum);
    }

    /** Notes that an op has no kernel in an element type. */
    synchronized void missing(String op, String dtype) {
        missing.computeIfAbsent(op, _ -> new TreeSet<>()).add(dtype);
    }

    /** Number of cases noted. */
    synchronized int total() {
        return cases.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** Cases per op, then ops without a kernel. */
    synchronized String summary() {
        return total() + " cases: " + cases + (missing.isEmpty() ? "; a kernel for everything" : "; without a kernel: " + missing);
    }
}
