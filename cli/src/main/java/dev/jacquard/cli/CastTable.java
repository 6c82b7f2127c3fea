package dev.jacquard.cli;

import dev.jacquard.mixedprecision.CastReport;
import dev.jacquard.mixedprecision.CastReport.Entry;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.graph.Graph;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The casts of a step as text: those of the same types that are there for the same reasons as one line. */
final class CastTable {
    private static final int SHOWN = 3;

    /** What casts of a line have in common. */
    private record Kind(DType from, DType to, List<String> why) {}

    private CastTable() {}

    /** A line for each kind, the most frequent first, and one for all of them. */
    static String text(CastReport report) {
        Map<Kind, List<Entry>> kinds = report.casts().stream().collect(Collectors.groupingBy(e -> new Kind(e.from(), e.to(), e.why()), LinkedHashMap::new, Collectors.toList()));
        StringBuilder text = new StringBuilder(String.format("%5s %-12s %15s  %s%n", "casts", "types", "bytes", "why: of what"));
        kinds.entrySet().stream().sorted(Comparator.comparingInt(k -> -k.getValue().size())).forEach(k -> text.append(line(k.getKey(), k.getValue())));
        return text.append(line(report.casts().size(), "all", bytes(report.casts()), "")).toString();
    }

    private static String line(Kind kind, List<Entry> casts) {
        return line(casts.size(), kind.from + " to " + kind.to, bytes(casts), String.join("; ", kind.why) + ": " + values(casts));
    }

    private static String line(int count, String types, long bytes, String more) {
        return String.format(Locale.ROOT, "%5d %-12s %,15d  %s", count, types, bytes, more).stripTrailing() + System.lineSeparator();
    }

    private static long bytes(List<Entry> casts) {
        return casts.stream().mapToLong(e -> Graph.cost(e.node()).bytes()).sum();
    }

    private static String values(List<Entry> casts) {
        return casts.stream().limit(SHOWN).map(Entry::what).collect(Collectors.joining(", ")) + (casts.size() > SHOWN ? " and " + (casts.size() - SHOWN) + " more" : "");
    }
}
