package dev.jacquard.cli;

import dev.jacquard.kernels.CandidateBench.Outcome;
import dev.jacquard.kernels.CandidateBench.Timing;
import dev.jacquard.kernels.DeviceRates;
import dev.jacquard.tensor.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What {@code jacquard kernels compare} leaves behind: {@code kernels-candidates.csv}, a row per case and candidate, written as they come; and {@code kernels-candidates.md}, a row
 * per case.
 */
final class CompareReport implements AutoCloseable {
    static final String HEADER = "case,op,shapes,type,candidate,side,us,rounds,tflops,gb_per_s,percent_of_roofline,x_best_library,x_best_own,note,device";

    private final Report report;
    private final String device;
    private final Map<String, Measured> done = new LinkedHashMap<>();
    private DeviceRates rates = new DeviceRates(Double.NaN, Map.of());

    /** A case with what came of it. @param outcome null if it was not measured @param note why not; else empty */
    record Measured(MatrixCase matrix, Outcome outcome, String note) {
        static Measured left(MatrixCase c, String why) {
            return new Measured(c, null, why);
        }

        Optional<Timing> best(boolean own, String prefix) {
            return outcome == null ? Optional.empty() : outcome.best(own, prefix);
        }
    }

    CompareReport(Path folder, String device) {
        this.device = device;
        report = new Report(folder, "kernels-candidates", HEADER);
    }

    /** What later rows are set against: the device at its best. */
    void rates(DeviceRates measured) {
        rates = measured;
    }

    /** A case's rows. */
    void add(Measured m) {
        done.put(m.matrix.name(), m);
        if (m.outcome == null || m.outcome.timings().isEmpty()) {
            row(m, Report.quoted(""), "", "", "", "", "", "", "", "", Report.quoted(m.note));
            return;
        }
        double floor = rates.floor(m.outcome.cost(), m.matrix.arithmetic());
        double library = us(m.best(false, ""));
        double own = us(m.best(true, ""));
        for (Timing t : m.outcome.timings()) {
            double us = t.us();
            row(m, Report.quoted(t.candidate()), t.own() ? "own" : "library", Spread.text("%.3f", us), Integer.toString(t.rounds()),
                    Spread.text("%.2f", m.outcome.cost().flops() / us / 1e6), Spread.text("%.1f", m.outcome.cost().bytes() / us / 1e3), Spread.text("%.1f", 100 * floor / us),
                    Spread.text("%.3f", library / us), Spread.text("%.3f", own / us), Report.quoted(t.problem()));
        }
    }

    /** A line of the case and these cells, which begin with the candidate. */
    private void row(Measured m, String... cells) {
        String shapes = m.matrix.sample().types().stream().map(TensorType::toString).collect(Collectors.joining(" "));
        report.row(String.join(",", Report.quoted(m.matrix.name()), m.matrix.sample().op().name(), Report.quoted(shapes), m.matrix.arithmetic().toString(),
                String.join(",", cells), Report.quoted(device)));
    }

    private static double us(Optional<Timing> t) {
        return t.map(Timing::us).orElse(Double.NaN);
    }

    /** Writes the summary. */
    void finish() {
        List<String> lines = new ArrayList<>(List.of("# Products and convolutions: our kernels beside the libraries' engines", "",
                "Made by `./jacquard kernels compare` on " + device + ".",
                "Medians of rounds in which all that can compute a case take turns, replayed from a graph, with the caches as they leave them.",
                "**x** says how many times as fast our best is as the library's best.",
                "The roofline is the longer of the bytes at the rate of the device's copy and the operations at the rate of its fastest large product, both as measured here.",
                "A sparse product's operations are those of the elements that are kept.", "",
                String.format(Locale.ROOT, "- copy: %.0f GB/s, read and written together", rates.copy())));
        rates.products().entrySet().stream().sorted(Map.Entry.comparingByKey())
                .forEach(r -> lines.add(String.format(Locale.ROOT, "- %s products: %.1f T/s", r.getKey(), r.getValue())));
        lines.addAll(List.of("", "| group | cases with both | x, geometric mean | x, worst | goals met |", "|---|---|---|---|---|"));
        Map<String, List<Measured>> groups = done.values().stream().collect(Collectors.groupingBy(m -> m.matrix.group(), LinkedHashMap::new, Collectors.toList()));
        groups.forEach((group, cases) -> lines.add(sum(group, cases)));
        lines.addAll(List.of("", "| case | our best | of roofline | library's best | x | goals | not usable |", "|---|---|---|---|---|---|---|"));
        done.values().forEach(m -> lines.add(summary(m)));
        report.page(lines);
    }

    private String sum(String group, List<Measured> cases) {
        double[] x = cases.stream().mapToDouble(m -> times(m, "", "")).filter(v -> !Double.isNaN(v)).toArray();
        String mean = x.length == 0 ? "" : Spread.text("%.2f", Math.exp(Arrays.stream(x).map(Math::log).average().orElseThrow()));
        String worst = x.length == 0 ? "" : Spread.text("%.2f", Arrays.stream(x).min().orElseThrow());
        List<Boolean> goals = cases.stream().flatMap(m -> m.matrix.goals().stream().filter(g -> !Double.isNaN(times(m, g))).map(g -> times(m, g) >= g.atLeast())).toList();
        String met = goals.isEmpty() ? "" : goals.stream().filter(g -> g).count() + " of " + goals.size();
        return "| " + String.join(" | ", group, x.length + " of " + cases.size(), mean, worst, met) + " |";
    }

    private double times(Measured m, MatrixCase.Goal g) {
        return times(m, g.engines(), g.rival());
    }

    /** How many times as fast ours are as the rivals; NaN if either was not measured. */
    private double times(Measured m, String engines, String rival) {
        Measured other = rival.isEmpty() ? m : done.getOrDefault(rival, Measured.left(m.matrix, ""));
        return us(other.best(!rival.isEmpty(), "")) / us(m.best(true, engines));
    }

    private String summary(Measured m) {
        if (m.outcome == null || m.outcome.timings().isEmpty()) {
            return "| " + m.matrix.name() + " | " + Report.oneLine(m.note).replace("|", "/") + " | | | | | |";
        }
        Function<Timing, String> cell = t -> String.format(Locale.ROOT, "%s: %.2f us, %.1f T/s", t.candidate(), t.us(), m.outcome.cost().flops() / t.us() / 1e6);
        Optional<Timing> own = m.best(true, "");
        String goals = m.matrix.goals().stream().map(g -> goal(m, g)).collect(Collectors.joining("; "));
        String unfit = m.outcome.timings().stream().filter(t -> !t.fit()).map(Timing::candidate).collect(Collectors.joining(", "));
        String share = Spread.text("%.0f %%", 100 * rates.floor(m.outcome.cost(), m.matrix.arithmetic()) / us(own));
        String library = m.best(false, "").map(cell).orElse("");
        return "| " + String.join(" | ", m.matrix.name(), own.map(cell).orElse(""), share, library, Spread.text("**%.2f**", times(m, "", "")), goals, unfit) + " |";
    }

    private String goal(Measured m, MatrixCase.Goal g) {
        double x = times(m, g);
        String what = (g.engines().isEmpty() ? "" : g.engines().strip() + " ") + String.format(Locale.ROOT, "%.2f", g.atLeast()) + (g.rival().isEmpty() ? "" : " of " + g.rival());
        return Double.isNaN(x) ? what + ": not measured" : what + String.format(Locale.ROOT, ": %.2f, %s", x, x >= g.atLeast() ? "met" : "not met");
    }

    @Override
    public void close() {
        report.close();
    }
}
