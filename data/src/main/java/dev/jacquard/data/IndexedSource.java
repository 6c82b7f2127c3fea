package dev.jacquard.data;

import java.util.List;
import java.util.Map;

/** Images of which an index says what they are. {@code T} is how one is found again. */
abstract sealed class IndexedSource<T> implements ImageSource permits FilesSource, TarSource {
    private final SampleIndex<T> index;
    private final Map<String, Integer> passedOver;

    /** @param passedOver see {@link ImageSource#passedOver} */
    IndexedSource(SampleIndex<T> index, Map<String, Integer> passedOver) {
        this.index = index;
        this.passedOver = passedOver;
    }

    /** How sample {@code i} is found. */
    final T entry(int i) {
        return index.entries().get(i);
    }

    @Override
    public final int size() {
        return index.labels().length;
    }

    @Override
    public final int label(int i) {
        return index.labels()[i];
    }

    @Override
    public final List<String> classes() {
        return index.classes();
    }

    @Override
    public final Map<String, Integer> passedOver() {
        return passedOver;
    }
}
