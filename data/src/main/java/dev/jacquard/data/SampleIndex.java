package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Samples grouped by class, made from what was found in a folder or an archive. {@code T} is how a sample is found again.
 *
 * @param classes names, sorted
 * @param entries samples, sorted by class and then by path
 * @param labels  the class of each
 */
record SampleIndex<T>(List<String> classes, List<T> entries, int[] labels) {
    private static final Set<String> SUFFIXES = Set.of("jpg", "jpeg", "jpe", "png", "gif", "bmp", "tif", "tiff");

    /** So that one wrong number does not make a million classes. */
    private static final int MOST_NUMBER = 999_999;

    /** Whether a file of this name (without folders) is taken for an image. */
    static boolean isImageName(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 && SUFFIXES.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
    }

    /** A sample found: its class, its path within the data set (for sorting), and how to find it again. */
    record Found<T>(String className, String path, T entry) {}

    /**
     * Makes the index.
     *
     * @param source  what messages call the data set
     * @param folders the class folders seen, with or without images
     * @throws DataException if there are no classes, or one has no images
     */
    static <T> SampleIndex<T> of(String source, Set<String> folders, List<Found<T>> found) {
        TreeSet<String> names = new TreeSet<>(folders);
        TreeMap<String, Integer> counts = new TreeMap<>();
        for (Found<T> f : found) {
            names.add(f.className);
            counts.merge(f.className, 1, Integer::sum);
        }
        String layout = "one subfolder of images per class";
        if (names.isEmpty()) {
            throw new DataException(source, "no class folders", "nothing but loose files, if any", layout, "put each class's images into a folder named after the class");
        }
        if (found.isEmpty()) {
            throw new DataException(source, "no images", names.size() + " folders without image files", layout + " (" + String.join(", ", new TreeSet<>(SUFFIXES)) + ")",
                    "check the path");
        }
        for (String name : names) {
            if (!counts.containsKey(name)) {
                throw new DataException(source, "a class without images", "class folder '" + name + "' with none", layout, "add images to it or remove the folder");
            }
        }
        List<String> classes = List.copyOf(names);
        List<Found<T>> sorted = new ArrayList<>(found);
        sorted.sort(Comparator.comparing((Found<T> f) -> f.className).thenComparing(Found::path));
        int[] labels = new int[sorted.size()];
        int label = 0;
        for (int i = 0; i < labels.length; i++) {
            while (!classes.get(label).equals(sorted.get(i).className)) {
                label++;
            }
            labels[i] = label;
        }
        return new SampleIndex<>(classes, sorted.stream().map(Found::entry).toList(), labels);
    }

    /**
     * Makes the index of samples whose classes are numbers; the classes are called 0, 1, 2, ... up to the largest, those without samples included.
     *
     * @param found the numbers are their class names
     * @throws DataException if there are none, or one is no number or too large
     */
    static <T> SampleIndex<T> ofNumbers(String source, List<Found<T>> found) {
        if (found.isEmpty()) {
            throw new DataException(source, "no images", "none with a class", "images, each with its class", "check the path");
        }
        record Numbered<T>(int label, Found<T> sample) {}
        List<Numbered<T>> sorted = new ArrayList<>(found.size());
        int most = 0;
        for (Found<T> f : found) {
            int label = isNumber(f.className) ? Integer.parseInt(f.className) : -1;
            if (label < 0 || label > MOST_NUMBER) {
                throw new DataException(source, "no class number", "'" + f.className + "' of " + f.path, "0 to " + MOST_NUMBER, "number the classes from 0");
            }
            most = Math.max(most, label);
            sorted.add(new Numbered<>(label, f));
        }
        sorted.sort(Comparator.comparingInt((Numbered<T> n) -> n.label).thenComparing(n -> n.sample.path));
        return new SampleIndex<>(IntStream.rangeClosed(0, most).mapToObj(Integer::toString).toList(), sorted.stream().map(n -> n.sample.entry).toList(),
                sorted.stream().mapToInt(Numbered::label).toArray());
    }

    /** Whether a text is a number that an int can be. */
    static boolean isNumber(String text) {
        return text.matches("[0-9]{1,9}");
    }
}
