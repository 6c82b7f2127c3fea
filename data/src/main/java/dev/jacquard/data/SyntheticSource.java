package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Samples without images, for benchmarks: a {@link Loader} of it hands out one batch of noise again and again, so that a step is fed at no cost. The label of sample {@code i} is
 * {@code i % classes}. To be named {@code synthetic}, {@code synthetic:CLASSES} or {@code synthetic:CLASSES:IMAGES}; 1000 classes and 1,281,167 images, ImageNet's, unless told.
 */
final class SyntheticSource implements ImageSource {
    private static final String NAME = "synthetic";
    private static final int CLASSES = 1000;
    private static final int IMAGES = 1_281_167;

    private final int images;
    private final List<String> classes;

    SyntheticSource(int classes, int images) {
        this.images = images;
        this.classes = IntStream.range(0, classes).mapToObj(Integer::toString).toList();
    }

    /** Whether a data set of this name is meant. */
    static boolean isName(String data) {
        return data.equals(NAME) || data.startsWith(NAME + ":");
    }

    /** Makes what a name says. @throws DataException if its numbers make no sense */
    static SyntheticSource of(String data) {
        String[] parts = data.split(":", -1);
        boolean numbers = parts.length <= 3;
        for (int i = 1; i < parts.length; i++) {
            numbers &= SampleIndex.isNumber(parts[i]) && Integer.parseInt(parts[i]) > 0;
        }
        int classes = numbers && parts.length > 1 ? Integer.parseInt(parts[1]) : CLASSES;
        int images = numbers && parts.length > 2 ? Integer.parseInt(parts[2]) : Math.max(classes, IMAGES);
        if (!numbers || classes > images || classes > 1_000_000) {
            throw new DataException(data, "no synthetic data set", data, "synthetic:CLASSES:IMAGES, at most 1000000 classes and at least as many images",
                    "correct the numbers, or write ./" + NAME + " for a folder");
        }
        return new SyntheticSource(classes, images);
    }

    @Override
    public int size() {
        return images;
    }

    /** There are none. @throws DataException always */
    @Override
    public byte[] bytes(int index) {
        throw new DataException(name(index), "a synthetic sample has no image", "a sample for benchmarks", "a data set of images", "give another --data");
    }

    @Override
    public int label(int index) {
        return index % classes.size();
    }

    @Override
    public String name(int index) {
        return NAME + "/" + index;
    }

    @Override
    public List<String> classes() {
        return classes;
    }

    @Override
    public boolean synthetic() {
        return true;
    }

    /** Holds nothing open. */
    @Override
    public void close() {}
}
