package dev.jacquard.bench.peers;

import dev.jacquard.bench.peers.Piece.Work;
import dev.jacquard.cli.AskedProcess;
import dev.jacquard.cli.Spread;
import dev.jacquard.cpu.x64.Emission;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One piece: engines start, answer the same questions, and are timed in turns. */
final class Contest {
    static final List<String> COLUMNS = List.of("date", "commit", "work", "network", "batch", "pixels", "engine", "versions", "machine", "threads", "jdk", "rounds", "ms",
            "ms_least", "ms_most",
            "images_per_second", "jacquard_is_x_as_fast", "gflop_per_s", "percent_of_fma_peak", "fma_peak_gflop_per_s", "answer_difference", "memory_mb",
            "others_percent_of_a_core");
    static final List<String> KEY = List.of("work", "network", "batch", "pixels", "threads");

    /** Relative to the largest logit of all. Sums in another order, and convolutions by Winograd's method, differ by a few 1e-6. */
    private static final double LOGITS = 1e-4;

    /** Relative to the loss, of the first steps. */
    private static final double LOSSES = 1e-4;

    /** Steps whose losses are compared: the first says that forward is the same, the second backward and update, the third the momentum. */
    private static final int STEPS = 3;

    private static final double WARM_UP_SECONDS = 2;
    private static final long MARGIN_MB = 1024;

    private final Piece piece;
    private final Material material;
    private final Settings settings;
    private final PrintStream out;
    private final List<Side> sides = new ArrayList<>();
    private double peak;

    /**
     * How it is measured.
     *
     * @param threads of each engine
     * @param rounds turns of each engine
     * @param seconds of a turn; a call that takes longer is a turn
     * @param logs folder for what engines say on standard error
     */
    record Settings(int threads, int rounds, double seconds, Path logs) {}

    /** An engine that takes part, with what it answered and took. */
    private static final class Side {
        private final Peer peer;
        private String versions;
        private float[] answer;
        private double difference;
        private final List<Double> medians = new ArrayList<>();

        Side(Peer peer) {
            this.peer = peer;
        }
    }

    Contest(Piece piece, Material material, Settings settings, PrintStream out) {
        this.piece = piece;
        this.material = material;
        this.settings = settings;
        this.out = out;
    }

    /** Runs it. @return a row of each engine, without the conditions; empty if ours does not run */
    List<Map<String, String>> run(List<Contender> contenders) throws IOException, InterruptedException {
        out.println(piece);
        try {
            for (Contender c : contenders) {
                String missing = c.missing(piece, material);
                if (missing == null) {
                    begin(c);
                } else if (c.works().contains(piece.work())) {
                    out.printf("  %s: not run: %s%n", c.name(), missing);
                }
            }
            return sides.isEmpty() ? List.of() : measured();
        } finally {
            sides.forEach(s -> s.peer.close());
        }
    }

    private void begin(Contender c) throws IOException {
        // All sides are in memory at once; what the largest so far took is a guess at what the next takes. A step of SE-ResNeXt101 takes LibTorch ten gigabytes.
        long most = sides.stream().mapToLong(s -> s.peer.peakMemory()).max().orElse(0);
        if (Machine.freeMemory() < most + MARGIN_MB) {
            out.printf("  %s: not run: %d MB are free, and one of the others has taken %d%n", c.name(), Machine.freeMemory(), most);
            return;
        }
        Peer peer = new Peer(c, settings.logs);
        Side side = new Side(peer);
        try {
            side.versions = peer.versions();
            peer.prepare(piece, material);
            side.answer = firstAnswer(peer);
            side.difference = sides.isEmpty() ? 0 : difference(sides.getFirst().answer, side.answer);
            double bound = piece.work() == Work.INFER ? LOGITS : LOSSES;
            out.printf(Locale.ROOT, "  %s: %s; answers differ by %.1e%s%s%n", c.name(), side.versions, side.difference, side.difference <= bound ? "" : ", MORE THAN " + bound,
                    piece.work() == Work.TRAIN ? "; losses " + Arrays.toString(side.answer) : "");
            peer.time(WARM_UP_SECONDS, 2);
            sides.add(side);
        } catch (AskedProcess.Refused e) {
            out.printf("  %s: not run: %s%n", c.name(), e.getMessage());
            peer.close();
        }
    }

    private float[] firstAnswer(Peer peer) throws AskedProcess.Refused {
        if (piece.work() == Work.INFER) {
            peer.time(0, 1);
            return peer.answer();
        }
        float[] losses = new float[STEPS];
        for (int i = 0; i < STEPS; i++) {
            peer.time(0, 1);
            losses[i] = peer.answer()[0];
        }
        return losses;
    }

    /** Largest difference relative to the largest value; infinite if one is not a number. */
    static double difference(float[] want, float[] got) {
        double largest = 0;
        double difference = want.length == got.length ? 0 : Double.POSITIVE_INFINITY;
        for (int i = 0; i < Math.min(want.length, got.length); i++) {
            largest = Math.max(largest, Math.abs(want[i]));
            double d = Math.abs((double) want[i] - got[i]);
            difference = Math.max(difference, Double.isNaN(d) ? Double.POSITIVE_INFINITY : d);
        }
        return difference == 0 ? 0 : difference / largest;
    }

    private List<Map<String, String>> measured() throws IOException, InterruptedException {
        double begin = System.nanoTime() / 1e9;
        double busy = Machine.busySeconds() - own();
        peak = Emission.peak(settings.threads).orElse(Double.NaN);
        for (int round = 0; round < settings.rounds; round++) {
            for (int i = 0; i < sides.size(); i++) {
                Side side = sides.get((i + round) % sides.size()); // nobody always runs after the same one
                Thread.sleep(100); // threads of the one before have parked by then
                try {
                    side.medians.add(Spread.of(side.peer.time(settings.seconds, 1)).median());
                } catch (AskedProcess.Refused e) {
                    out.printf("  %s: failed in round %d: %s%n", side.peer.name(), round, e.getMessage());
                    sides.remove(side);
                    return sides.isEmpty() ? List.of() : measured();
                }
            }
            peak = Math.max(peak, Emission.peak(settings.threads).orElse(Double.NaN));
        }
        double others = (Machine.busySeconds() - own() - busy) / (System.nanoTime() / 1e9 - begin);
        return sides.stream().map(s -> row(s, others)).toList();
    }

    /** Processor seconds of this process and the engines'. */
    private double own() {
        double sum = ProcessHandle.current().info().totalCpuDuration().map(d -> d.toNanos() / 1e9).orElse(0.0);
        for (Side s : sides) {
            sum += s.peer.cpuSeconds();
        }
        return sum;
    }

    private static double ms(Side s) {
        return Spread.of(s.medians).median();
    }

    private Map<String, String> row(Side s, double others) {
        Spread spread = Spread.of(s.medians);
        double ms = spread.median();
        double rate = piece.flops() / ms / 1e6;
        double ours = sides.stream().filter(o -> o.peer.name().equals(Contender.OURS)).mapToDouble(Contest::ms).findFirst().orElse(Double.NaN);
        Map<String, String> row = new LinkedHashMap<>();
        row.put("work", piece.work().label());
        row.put("network", piece.network());
        row.put("batch", Integer.toString(piece.batch()));
        row.put("pixels", Integer.toString(piece.pixels()));
        row.put("engine", s.peer.name());
        row.put("versions", s.versions);
        row.put("threads", Integer.toString(settings.threads));
        row.put("rounds", Integer.toString(s.medians.size()));
        row.put("ms", Spread.text("%.2f", ms));
        row.put("ms_least", Spread.text("%.2f", spread.least()));
        row.put("ms_most", Spread.text("%.2f", spread.most()));
        row.put("images_per_second", Spread.text("%.2f", piece.batch() * 1e3 / ms));
        row.put("jacquard_is_x_as_fast", Spread.text("%.2f", ms / ours));
        row.put("gflop_per_s", Spread.text("%.1f", rate));
        row.put("percent_of_fma_peak", Spread.text("%.1f", 100 * rate / peak));
        row.put("fma_peak_gflop_per_s", Spread.text("%.1f", peak));
        row.put("answer_difference", Spread.text("%.1e", s.difference));
        row.put("memory_mb", Long.toString(s.peer.peakMemory()));
        row.put("others_percent_of_a_core", Spread.text("%.0f", 100 * Math.max(others, 0)));
        out.printf(Locale.ROOT, "  %-22s %9.2f ms (%.2f to %.2f)  %7.2f images/s  jacquard %s x  %s %% of peak%n", s.peer.name(), ms, spread.least(),
                spread.most(), piece.batch() * 1e3 / ms, row.get("jacquard_is_x_as_fast"), row.get("percent_of_fma_peak"));
        return row;
    }
}
