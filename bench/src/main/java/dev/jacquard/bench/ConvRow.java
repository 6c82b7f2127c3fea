package dev.jacquard.bench;

import dev.jacquard.bench.ConvTrial.Pass;
import dev.jacquard.cli.AskedProcess;
import dev.jacquard.cli.Spread;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What one pass of one convolution took. */
final class ConvRow {
    static final List<String> COLUMNS = List.of("date", "commit", "set", "shape", "kind", "pass", "epilogue", "batch", "machine", "threads", "jdk", "rounds", "ms",
            "ms_least", "ms_most", "gflop", "gflop_per_s", "percent_of_fma_peak", "percent_of_fma_peak_incl_padding", "gb_per_s", "fma_peak_gflop_per_s",
            "libtorch", "libtorch_ms", "jacquard_is_x_as_fast", "others_percent_of_a_core");

    private final ConvTrial trial;
    private final Pass pass;
    private final int threads;
    private final int id;
    private final String libtorch;
    private final List<Double> ours = new ArrayList<>();
    private final List<Double> theirs = new ArrayList<>();
    private double peak;
    private double load;

    /** Nothing yet. @param id LibTorch's for it @param libtorch its version; empty if it does not take part */
    ConvRow(ConvTrial trial, Pass pass, int threads, int id, String libtorch) {
        this.trial = trial;
        this.pass = pass;
        this.threads = threads;
        this.id = id;
        this.libtorch = libtorch;
    }

    boolean beside() {
        return !libtorch.isEmpty();
    }

    /** A turn. @param torch LibTorch if it is its turn; null if it is ours */
    void turn(TorchConvolutions torch, double seconds) throws AskedProcess.Refused {
        if (torch == null) {
            ours.add(Spread.of(trial.time(pass, seconds)).median());
        } else {
            theirs.add(Spread.of(torch.time(id, pass, seconds)).median());
        }
    }

    /** What holds for all rows of a run. */
    void conditions(double fmaPeak, double others) {
        peak = fmaPeak;
        load = others;
    }

    /** By {@link #COLUMNS}, but for date, commit, machine and JDK. */
    Map<String, String> columns() {
        ConvCase c = trial.shape();
        Spread spread = Spread.of(ours);
        double ms = spread.median();
        double torch = Spread.of(theirs).median();
        double rate = c.usefulFlops() / ms / 1e6;
        Map<String, String> row = new LinkedHashMap<>();
        row.put("set", String.join(" ", c.networks()));
        row.put("shape", c.name());
        row.put("kind", c.family().name().toLowerCase(Locale.ROOT));
        row.put("pass", pass.name().toLowerCase(Locale.ROOT));
        row.put("epilogue", pass == Pass.FORWARD ? c.epilogue().toString() : "");
        row.put("batch", Integer.toString(c.n()));
        row.put("threads", Integer.toString(threads));
        row.put("rounds", Integer.toString(ours.size()));
        row.put("ms", Spread.text("%.4f", ms));
        row.put("ms_least", Spread.text("%.4f", spread.least()));
        row.put("ms_most", Spread.text("%.4f", spread.most()));
        row.put("gflop", Spread.text("%.4f", c.usefulFlops() / 1e9));
        row.put("gflop_per_s", Spread.text("%.1f", rate));
        row.put("percent_of_fma_peak", Spread.text("%.1f", 100 * rate / peak));
        row.put("percent_of_fma_peak_incl_padding", Spread.text("%.1f", 100 * c.paddedFlops() / ms / 1e6 / peak));
        row.put("gb_per_s", Spread.text("%.1f", trial.bytes(pass) / ms / 1e6));
        row.put("fma_peak_gflop_per_s", Spread.text("%.1f", peak));
        row.put("libtorch", libtorch);
        row.put("libtorch_ms", Spread.text("%.4f", torch));
        row.put("jacquard_is_x_as_fast", Spread.text("%.2f", torch / ms));
        row.put("others_percent_of_a_core", Spread.text("%.0f", load));
        return row;
    }

    /** Prints rows, a line each, in their order. */
    static void print(List<Map<String, String>> rows, PrintStream out) {
        out.printf("%-30s %3s %-8s %9s %8s %6s %7s %7s %9s %6s%n", "shape", "n", "pass", "ms", "GFLOP/s", "% peak", "%+padd", "GB/s", "libtorch", "x");
        for (Map<String, String> r : rows) {
            out.printf("%-30s %3s %-8s %9s %8s %6s %7s %7s %9s %6s%n", r.get("shape"), r.get("batch"), r.get("pass"), r.get("ms"), r.get("gflop_per_s"),
                    r.get("percent_of_fma_peak"), r.get("percent_of_fma_peak_incl_padding"), r.get("gb_per_s"), r.get("libtorch_ms"), r.get("jacquard_is_x_as_fast"));
        }
    }
}
