package dev.jacquard.tensor.plan;

import dev.jacquard.tensor.OutOfMemoryException;
import dev.jacquard.tensor.graph.Graph;
import java.util.Comparator;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** What to tell somebody whose plan does not fit the device: which values take the most, and a batch that would fit. */
final class MemoryReport {
    private static final int NAMED = 5;
    /** Batches that are a multiple of it use tensor cores and vectors well. */
    private static final long ROUND = 8;

    private MemoryReport() {}

    /**
     * The error for an arena that could not be allocated.
     *
     * @param bytes of the arena
     * @param names which node made what lies in a storage
     * @param free bytes that the device has left, where it knows
     */
    static OutOfMemoryException arena(Graph graph, long bytes, Map<Storage, String> names, OptionalLong free, OutOfMemoryException cause) {
        String largest = names.entrySet().stream().sorted(Comparator.comparingLong((Map.Entry<Storage, String> e) -> -e.getKey().bytes).thenComparing(Map.Entry::getValue))
                .limit(NAMED)
                .map(e -> mebibytes(e.getKey().bytes) + " " + e.getValue()).collect(Collectors.joining(", "));
        String room = free.isPresent() ? "at most " + mebibytes(free.getAsLong()) + ", which are free" : cause.expected();
        return new OutOfMemoryException("plan", "not enough memory for a step", mebibytes(bytes) + ", of which the largest values are " + largest, room,
                remedy(graph, bytes, free), cause);
    }

    /** Values grow with the batch, so the arena is taken to be proportional to it. */
    private static String remedy(Graph graph, long bytes, OptionalLong free) {
        long batch = graph.inputs().values().stream().map(s -> s.type().shape()).filter(s -> s.rank() > 1).mapToLong(s -> s.dim(0)).max().orElse(0);
        if (batch > 1 && free.isPresent()) {
            long fits = (long) (batch * ((double) free.getAsLong() / bytes));
            fits = fits >= ROUND ? fits / ROUND * ROUND : fits;
            if (fits >= 1 && fits < batch) {
                return "a batch of " + fits + " instead of " + batch + " should fit; or use smaller images";
            }
        }
        return "use a smaller batch" + (batch > 1 ? " than " + batch : "") + ", or smaller images";
    }

    private static String mebibytes(long bytes) {
        return bytes < 1 << 20 ? bytes + " bytes" : "%.1f MiB".formatted(bytes / (double) (1 << 20));
    }
}
