package dev.jacquard.data;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Counts what a source does not take for a sample though it might look like one, by reason. Not thread-safe. */
final class PassedOver {
    private final Map<String, Integer> counts = new TreeMap<>();

    /** Counts one. @param reason what it is, in the singular */
    void add(String reason) {
        counts.merge(reason, 1, Integer::sum);
    }

    /** Counts all of another. */
    void addAll(Map<String, Integer> others) {
        others.forEach((reason, n) -> counts.merge(reason, n, Integer::sum));
    }

    /** Counts by reason; not changed by later additions. */
    Map<String, Integer> counts() {
        return Map.copyOf(counts);
    }

    /** {@code 2 x link, 1 x name that leaves the archive}. */
    static String text(Map<String, Integer> counts) {
        return new TreeMap<>(counts).entrySet().stream().map(e -> e.getValue() + " x " + e.getKey()).collect(Collectors.joining(", "));
    }
}
