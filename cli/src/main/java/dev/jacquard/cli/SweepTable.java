package dev.jacquard.cli;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tck.Sweep;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/** Runs checks of ops and prints a line per op as soon as it is through. A fault after which the device does nothing any more ends the table: what would follow says nothing. */
final class SweepTable {
    private final PrintWriter out;
    private final int every;
    private final List<String> failures = new ArrayList<>();
    private boolean lost;

    /** What became of an op's cases. */
    private static final class Tally {
        private int cases;
        private int failed;
        private double used;

        void add(Tally t) {
            cases += t.cases;
            failed += t.failed;
            used = Math.max(used, t.used);
        }
    }

    /** A table. @param every of each op's cases one in so many is run */
    SweepTable(PrintWriter out, int every) {
        this.out = out;
        this.every = every;
    }

    /** Runs the checks that are selected. @return number of cases that were run */
    int run(Sweep sweep, Predicate<Sweep.Check> selected) {
        Map<String, List<Sweep.Check>> byOp = new LinkedHashMap<>();
        sweep.all((_, _) -> {}).filter(selected).forEach(c -> byOp.computeIfAbsent(c.op(), _ -> new ArrayList<>()).add(c));
        out.printf(Locale.ROOT, "%-28s %7s %7s %9s   against double precision%n", "op", "cases", "failed", "worst");
        Tally total = new Tally();
        for (Map.Entry<String, List<Sweep.Check>> e : byOp.entrySet()) {
            Tally t = run(e.getValue());
            print(e.getKey(), t);
            total.add(t);
            if (lost) {
                out.println("stopped: after this fault the device does nothing any more; use --case for the rest");
                return total.cases;
            }
        }
        print("all " + byOp.size() + " ops", total);
        return total.cases;
    }

    private void print(String op, Tally t) {
        out.printf(Locale.ROOT, "%-28s %7d %7d %7.0f %%%n", op, t.cases, t.failed, 100 * t.used);
        out.flush();
    }

    private Tally run(List<Sweep.Check> checks) {
        Tally t = new Tally();
        for (int i = 0; i < checks.size() && !lost; i += every) {
            try {
                Sweep.Outcome o = checks.get(i).body().run();
                t.used = Math.max(t.used, o.used());
                t.cases += o.skipped().isPresent() ? 0 : 1;
            } catch (AssertionError | RuntimeException e) {
                t.cases++;
                t.failed++;
                failures.add(e instanceof AssertionError ? e.getMessage() : checks.get(i).name() + ": " + e);
                lost = isLost(e);
            }
        }
        return t;
    }

    /** Whether a failure says that the device's context is gone. */
    static boolean isLost(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof DriverException d && d.kind().sticky()) {
                return true;
            }
        }
        return false;
    }

    /** Whether a fault ended the table. */
    boolean lost() {
        return lost;
    }

    /** What failed, each with the way to see it again. */
    List<String> failures() {
        return failures;
    }
}
