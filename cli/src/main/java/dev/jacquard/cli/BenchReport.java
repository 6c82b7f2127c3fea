package dev.jacquard.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What {@code jacquard bench} leaves behind: {@code networks.csv}, a row per case and side, written as they come; and {@code networks.md}, the ratios, and whether they are what
 * they should be.
 */
final class BenchReport implements AutoCloseable {
    static final String HEADER = "work,network,px,batch,precision,contender,ms_median,ms_min,images_per_s,memory_gib,jacquard_is_x_times_as_fast,rounds,device,note";

    private final Report report;
    private final String device;
    private final List<String> table = new ArrayList<>();
    private final BenchTargets targets = new BenchTargets();

    /**
     * One side's figures of a case.
     *
     * @param contender which
     * @param ms milliseconds of each step, of all rounds; empty if it was not measured
     * @param memoryBytes that it used; 0 if it does not know
     * @param note why not measured; else empty
     */
    record Figures(String contender, double[] ms, long memoryBytes, String note) {
        double median() {
            return Spread.of(ms).median();
        }

        /** Memory as text; empty if it is not known. */
        private String gib() {
            return memoryBytes == 0 ? "" : String.format(Locale.ROOT, "%.2f", memoryBytes / 0x1p30);
        }
    }

    BenchReport(Path folder, String device) {
        this.device = device;
        report = new Report(folder, "networks", HEADER);
    }

    /** A case's sides, ours first. @param rounds in which the sides took turns */
    void add(BenchCase c, List<Figures> sides, int rounds) {
        double ours = sides.getFirst().median();
        StringBuilder row = new StringBuilder("| " + c + " | " + cell(sides.getFirst(), c));
        targets.add(c, sides);
        for (Figures f : sides) {
            Spread spread = Spread.of(f.ms);
            double ms = spread.median();
            String figures = Double.isNaN(ms) ? ",,," : String.format(Locale.ROOT, "%.4f,%.4f,%.1f,%s", ms, spread.least(), 1e3 * c.batch() / ms, f.gib());
            String ratio = f == sides.getFirst() ? "" : Spread.text("%.3f", ms / ours);
            report.row(String.join(",", c.verb(), c.arch(), c.px() + "", c.batch() + "", c.precision(), f.contender, figures, ratio, rounds + "", Report.quoted(device),
                    Report.quoted(f.note)));
            if (f != sides.getFirst()) {
                row.append(" | ").append(f.contender).append(' ').append(Double.isNaN(ms) ? f.note.isEmpty() ? "-" : f.note : cell(f, c)
                        + (ratio.isEmpty() ? "" : ", **" + ratio + "x**"));
            } else if (!f.note.isEmpty()) {
                row.append(f.note);
            }
        }
        table.add(row.append(" |").toString());
    }

    private static String cell(Figures f, BenchCase c) {
        double ms = f.median();
        return Double.isNaN(ms) ? "" : String.format(Locale.ROOT, "%.3f ms (%.0f images/s%s)", ms, 1e3 * c.batch() / ms, f.gib().isEmpty() ? "" : ", " + f.gib() + " GiB");
    }

    /** Writes the summary. @param limits of the device, a line each */
    void finish(String versions, List<String> limits) {
        List<String> lines = new ArrayList<>(List.of("# Networks, side by side", "", "Made by `./jacquard bench` on " + device
                + (versions.isEmpty() ? ", without PyTorch." : ", beside " + versions + "."),
                "Medians over interleaved rounds; training steps back to back, inference call by call. **x** says how many times as fast Jacquard is.", ""));
        limits.forEach(l -> lines.add("- " + l));
        lines.add("");
        int most = table.stream().mapToInt(r -> (int) r.chars().filter(x -> x == '|').count() - 1).max().orElse(2);
        lines.add("| case | jacquard |" + " beside |".repeat(most - 2));
        lines.add("|---".repeat(most) + "|");
        table.forEach(r -> lines.add(r + " |".repeat(most - ((int) r.chars().filter(x -> x == '|').count() - 1))));
        lines.addAll(targets.lines());
        report.page(lines);
    }

    @Override
    public void close() {
        report.close();
    }
}
