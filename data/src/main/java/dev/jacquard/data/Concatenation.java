package dev.jacquard.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Several sources, one after the other. Classes of one name are one class. */
final class Concatenation implements ImageSource {
    private final List<ImageSource> parts;
    private final List<String> classes;
    /** Where each part begins; one more for the end. */
    private final int[] starts;
    /** Labels of each part's classes. */
    private final int[][] labels;

    /** Takes over the parts. */
    Concatenation(List<ImageSource> parts) {
        this.parts = List.copyOf(parts);
        this.classes = classes(parts);
        this.starts = new int[parts.size() + 1];
        this.labels = new int[parts.size()][];
        for (int p = 0; p < parts.size(); p++) {
            starts[p + 1] = Math.addExact(starts[p], parts.get(p).size());
            labels[p] = parts.get(p).classes().stream().mapToInt(classes::indexOf).toArray();
        }
    }

    /** One part's list, if it begins with those of all others, so that numbered classes stay in the order of their numbers; else all names, sorted. */
    private static List<String> classes(List<ImageSource> parts) {
        List<String> longest = List.of();
        TreeSet<String> all = new TreeSet<>();
        for (ImageSource part : parts) {
            longest = part.classes().size() > longest.size() ? part.classes() : longest;
            all.addAll(part.classes());
        }
        for (ImageSource part : parts) {
            if (!longest.subList(0, part.classes().size()).equals(part.classes())) {
                return List.copyOf(all);
            }
        }
        return List.copyOf(longest);
    }

    private int part(int index) {
        int found = Arrays.binarySearch(starts, index);
        return found >= 0 ? found : -found - 2;
    }

    @Override
    public int size() {
        return starts[parts.size()];
    }

    @Override
    public byte[] bytes(int index) {
        int p = part(index);
        return parts.get(p).bytes(index - starts[p]);
    }

    @Override
    public void read(int index, Encoded into) {
        int p = part(index);
        parts.get(p).read(index - starts[p], into);
    }

    @Override
    public int label(int index) {
        int p = part(index);
        return labels[p][parts.get(p).label(index - starts[p])];
    }

    @Override
    public String name(int index) {
        int p = part(index);
        return parts.get(p).name(index - starts[p]);
    }

    @Override
    public List<String> classes() {
        return classes;
    }

    @Override
    public Map<String, Integer> passedOver() {
        PassedOver all = new PassedOver();
        parts.forEach(p -> all.addAll(p.passedOver()));
        return all.counts();
    }

    @Override
    public List<int[]> shards() {
        List<int[]> all = new ArrayList<>();
        for (int p = 0; p < parts.size(); p++) {
            int start = starts[p];
            List<int[]> own = parts.get(p).shards();
            if (own.isEmpty()) {
                return List.of(); // not all of it can be read in sequence
            }
            own.forEach(s -> all.add(Arrays.stream(s).map(i -> start + i).toArray()));
        }
        return all;
    }

    @Override
    public void close() {
        RuntimeException first = null;
        for (ImageSource part : parts) {
            try {
                part.close();
            } catch (RuntimeException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
