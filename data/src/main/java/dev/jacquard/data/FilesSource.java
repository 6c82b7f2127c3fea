package dev.jacquard.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Images that are files of their own, found in a folder or named by a list. Holds nothing open. */
final class FilesSource implements ImageSource {
    private final SampleIndex<Path> index;
    private final Map<String, Integer> passedOver;

    /** @param passedOver see {@link ImageSource#passedOver} */
    FilesSource(SampleIndex<Path> index, Map<String, Integer> passedOver) {
        this.index = index;
        this.passedOver = passedOver;
    }

    @Override
    public int size() {
        return index.labels().length;
    }

    @Override
    public byte[] bytes(int i) {
        return Images.bytes(index.entries().get(i));
    }

    @Override
    public void read(int i, Encoded into) {
        Images.read(index.entries().get(i), into);
    }

    @Override
    public int label(int i) {
        return index.labels()[i];
    }

    @Override
    public String name(int i) {
        return index.entries().get(i).toString();
    }

    @Override
    public List<String> classes() {
        return index.classes();
    }

    @Override
    public Map<String, Integer> passedOver() {
        return passedOver;
    }

    /** Holds nothing open. */
    @Override
    public void close() {}
}
