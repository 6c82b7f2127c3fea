package dev.jacquard.cli;

import dev.jacquard.train.NetworkStep.Work;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What mixed precision should reach beside PyTorch in the same run: in training it should speed up our steps over TF32 at least as many times as it does PyTorch's of the same
 * mode, and a training step should need at most {@value #MEMORY} of PyTorch's memory.
 */
final class BenchTargets {
    private static final double MEMORY = 0.9;
    /** PyTorch without CUDA graphs: what those hold is not counted as allocated while they run. */
    private static final String EAGER = "pytorch eager";
    private static final String OURS = "jacquard";

    /** Training of a network with a batch. */
    private record Training(String arch, int px, int batch) {
        @Override
        public String toString() {
            return arch + " " + px + " px batch " + batch;
        }
    }

    /** Precision, contender, figures. */
    private final Map<Training, Map<String, Map<String, BenchReport.Figures>>> all = new LinkedHashMap<>();

    /** Takes a case's sides; other work than training has no targets. */
    void add(BenchCase c, List<BenchReport.Figures> sides) {
        if (c.work() == Work.TRAIN) {
            Map<String, BenchReport.Figures> there = all.computeIfAbsent(new Training(c.arch(), c.px(), c.batch()), _ -> new LinkedHashMap<>())
                    .computeIfAbsent(c.precision(), _ -> new LinkedHashMap<>());
            sides.forEach(f -> there.merge(f.contender(), f, (first, second) -> Double.isNaN(first.median()) ? second : first));
        }
    }

    /** A table in Markdown; a line for each target of each training that there is a case of. Empty if there is none. */
    List<String> lines() {
        if (all.isEmpty()) {
            return List.of();
        }
        List<String> lines = new ArrayList<>(List.of("", "## Targets", "", "| training | target | jacquard | PyTorch | |", "|---|---|---|---|---|"));
        all.forEach((training, precisions) -> {
            for (String half : Amp.HALVES) {
                for (String mode : BenchCase.MODES) {
                    boolean meant = mode.equals("eager") || figures(precisions, half, "pytorch " + mode).isPresent();
                    if (meant && precisions.containsKey(half)) {
                        lines.add(speedUp(training, precisions, half, "pytorch " + mode));
                    }
                }
            }
            precisions.keySet().forEach(precision -> lines.add(memory(training, precisions, precision)));
        });
        return lines;
    }

    private static String speedUp(Training t, Map<String, Map<String, BenchReport.Figures>> precisions, String half, String beside) {
        double ours = ratio(precisions, half, OURS);
        double theirs = ratio(precisions, half, beside);
        return row(t, half + " over tf32 speeds up as " + beside, ours, theirs, "%.2fx", ours >= theirs);
    }

    /** How many times as fast as with TF32; NaN if one of the two was not measured. */
    private static double ratio(Map<String, Map<String, BenchReport.Figures>> precisions, String half, String contender) {
        return figures(precisions, "tf32", contender).map(BenchReport.Figures::median).orElse(Double.NaN) / figures(precisions, half, contender).map(BenchReport.Figures::median)
                .orElse(Double.NaN);
    }

    private static String memory(Training t, Map<String, Map<String, BenchReport.Figures>> precisions, String precision) {
        double ours = gib(precisions, precision, OURS);
        double theirs = gib(precisions, precision, EAGER);
        return row(t, precision + " memory at most " + MEMORY + " of " + EAGER, ours, theirs, "%.2f GiB", ours <= MEMORY * theirs);
    }

    private static double gib(Map<String, Map<String, BenchReport.Figures>> precisions, String precision, String contender) {
        long bytes = figures(precisions, precision, contender).map(BenchReport.Figures::memoryBytes).orElse(0L);
        return bytes == 0 ? Double.NaN : bytes / 0x1p30;
    }

    private static Optional<BenchReport.Figures> figures(Map<String, Map<String, BenchReport.Figures>> precisions, String precision, String contender) {
        return Optional.ofNullable(precisions.getOrDefault(precision, Map.of()).get(contender)).filter(f -> !Double.isNaN(f.median()));
    }

    private static String row(Training t, String target, double ours, double theirs, String format, boolean met) {
        String verdict = Double.isNaN(ours) || Double.isNaN(theirs) ? "not run" : met ? "met" : "**missed**";
        return "| " + t + " | " + target + " | " + shown(format, ours) + " | " + shown(format, theirs) + " | " + verdict + " |";
    }

    private static String shown(String format, double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
    }
}
