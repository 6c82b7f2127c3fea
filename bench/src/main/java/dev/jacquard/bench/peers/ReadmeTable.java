package dev.jacquard.bench.peers;

import dev.jacquard.cli.Results;
import dev.jacquard.tensor.CallerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The README's table of peers, made from the newest CSV file of each kind, so that no figure is typed. It stands between two marked lines. */
final class ReadmeTable {
    static final String BEGIN = "<!-- peers: written by bench/peers with its flag table, from bench/results; do not edit -->";
    static final String END = "<!-- peers: end -->";

    /** Engines by their names in the files, and what they are called in the table, in its order. */
    private static final Map<String, String> NAMES = new LinkedHashMap<>();

    static {
        NAMES.put(Contender.OURS, "Jacquard");
        NAMES.put("onnxruntime", "ONNX Runtime");
        NAMES.put("djl", "LibTorch, DJL");
        NAMES.put("djl-tuned", "LibTorch, DJL, tuned");
        NAMES.put("djl-torchscript-tuned", "TorchScript, DJL, tuned");
        NAMES.put("torch-nhwc-tuned", "PyTorch 1.13, NHWC, tuned");
        NAMES.put(FirstPrediction.CLASSIFY, "`./jacquard classify`");
    }

    private final Path results;

    /** @param results folder of the CSV files */
    ReadmeTable(Path results) {
        this.results = results;
    }

    /** Replaces what is between the marks. @throws CallerException if the marks are not there */
    void write(Path readme) throws IOException {
        Files.writeString(readme, replaced(Files.readString(readme)));
    }

    /** A text with the table of now between its marks. */
    String replaced(String text) throws IOException {
        int from = text.indexOf(BEGIN);
        int to = text.indexOf(END);
        if (from < 0 || to < from) {
            throw new CallerException("README", "no place for the table", "a text without the two marks", BEGIN + " and " + END, "put the two lines where the table should be");
        }
        return text.substring(0, from + BEGIN.length()) + "\n" + table() + text.substring(to);
    }

    /** The table; empty if there is no file. */
    String table() throws IOException {
        Optional<Path> infer = newest("infer");
        Optional<Path> train = newest("train");
        Optional<Path> first = newest("first");
        StringBuilder text = new StringBuilder();
        List<Map<String, String>> rows = new ArrayList<>();
        for (Path p : Stream.of(infer, train).flatMap(Optional::stream).toList()) {
            rows.addAll(ofMostThreads(Results.read(p)));
        }
        if (!rows.isEmpty()) {
            text.append("Milliseconds of a call, %s pixels, F32, %s threads; medians of turns in one run, answers compared.%n%n".formatted(one(rows, "pixels"),
                    one(rows, "threads")));
            text.append(table("work", "ms", rows, true)).append('\n');
        }
        if (first.isPresent()) {
            List<Map<String, String>> starts = ofMostThreads(Results.read(first.get()));
            text.append("Seconds from the start of a process to its first prediction:\n\n").append(table("work", "seconds", starts, false)).append('\n');
            rows.addAll(starts);
        }
        if (!rows.isEmpty()) {
            String files = Stream.of(infer, train, first).flatMap(Optional::stream).map(p -> "[" + p.getFileName() + "](bench/results/" + p.getFileName() + ")")
                    .collect(Collectors.joining(", "));
            String measured = "Measured %s on %s (%s). LibTorch allocates every result; \"tuned\" keeps glibc from giving the memory back. "
                    + "What it all means: [help/bench.md](help/bench.md).%n";
            text.append(measured.formatted(one(rows, "date"), one(rows, "machine"), files));
        }
        return text.toString().replace("\r", "");
    }

    /** Rows of fewer threads tell what the second core is worth; the table is of all cores. */
    private static List<Map<String, String>> ofMostThreads(List<Map<String, String>> rows) {
        int most = rows.stream().mapToInt(r -> Integer.parseInt(r.get("threads"))).max().orElse(0);
        return rows.stream().filter(r -> Integer.parseInt(r.get("threads")) == most).toList();
    }

    /** The different values of a column. */
    private static String one(List<Map<String, String>> rows, String column) {
        return String.join(", ", new TreeSet<>(rows.stream().map(r -> r.get(column)).toList()));
    }

    /** The file of a kind whose youngest row is the youngest; of several the last by name. */
    private Optional<Path> newest(String what) throws IOException {
        List<Path> files = new ArrayList<>();
        if (Files.isDirectory(results)) {
            try (Stream<Path> all = Files.list(results)) {
                all.filter(p -> p.getFileName().toString().matches("peers-" + what + "-.*\\.csv")).sorted().forEach(files::add);
            }
        }
        Map<Path, String> dates = new LinkedHashMap<>();
        for (Path p : files) {
            dates.put(p, Results.read(p).stream().map(r -> r.get("date")).max(Comparator.naturalOrder()).orElse(""));
        }
        return files.stream().max(Comparator.comparing((Path p) -> dates.get(p)).thenComparing(Comparator.naturalOrder()));
    }

    private static String table(String work, String figure, List<Map<String, String>> rows, boolean peak) {
        List<String> engines = NAMES.keySet().stream().filter(e -> rows.stream().anyMatch(r -> r.get("engine").equals(e))).toList();
        Map<String, Map<String, Map<String, String>>> cases = new LinkedHashMap<>();
        for (Map<String, String> row : rows) {
            String name = row.get("network") + switch (row.get(work)) {
                case "infer" -> ", inference, batch " + row.get("batch");
                case "train" -> ", training step, batch " + row.get("batch");
                default -> "";
            };
            cases.computeIfAbsent(name, _ -> new LinkedHashMap<>()).put(row.get("engine"), row);
        }
        StringBuilder text = new StringBuilder("| |");
        engines.forEach(e -> text.append(' ').append(NAMES.get(e)).append(" |"));
        text.append(" best peer / Jacquard |").append(peak ? " of FMA peak |\n" : "\n").append("|---|").append("--:|".repeat(engines.size() + (peak ? 2 : 1))).append('\n');
        cases.forEach((name, sides) -> {
            text.append("| ").append(name).append(" |");
            engines.forEach(e -> text.append(' ').append(cell(e, sides.get(e), figure)).append(" |"));
            text.append(' ').append(ratio(sides, figure)).append(" |").append(peak ? " " + percent(sides.get(Contender.OURS)) + " |\n" : "\n");
        });
        return text.toString();
    }

    private static String cell(String engine, Map<String, String> row, String figure) {
        if (row == null) {
            return "";
        }
        double value = Double.parseDouble(row.get(figure));
        String text = String.format(Locale.ROOT, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
        return engine.equals(Contender.OURS) ? "**" + text + "**" : text;
    }

    private static String ratio(Map<String, Map<String, String>> sides, String figure) {
        Map<String, String> ours = sides.getOrDefault(FirstPrediction.CLASSIFY, sides.get(Contender.OURS));
        return sides.entrySet().stream().filter(e -> !e.getKey().startsWith(Contender.OURS)).map(e -> Double.parseDouble(e.getValue().get(figure))).min(Comparator.naturalOrder())
                .filter(_ -> ours != null).map(best -> String.format(Locale.ROOT, "%.2f", best / Double.parseDouble(ours.get(figure)))).orElse("");
    }

    private static String percent(Map<String, String> ours) {
        return ours == null || ours.get("percent_of_fma_peak").isEmpty() ? "" : Math.round(Double.parseDouble(ours.get("percent_of_fma_peak"))) + " %";
    }
}
