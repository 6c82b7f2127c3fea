package dev.jacquard.data;

import java.nio.file.Path;
import java.util.Map;

/** Images that are files of their own, found in a folder or named by a list. Holds nothing open. */
final class FilesSource extends IndexedSource<Path> {
    /** @param passedOver see {@link ImageSource#passedOver} */
    FilesSource(SampleIndex<Path> index, Map<String, Integer> passedOver) {
        super(index, passedOver);
    }

    @Override
    public byte[] bytes(int i) {
        return Images.bytes(entry(i));
    }

    @Override
    public void read(int i, Encoded into) {
        Images.read(entry(i), into);
    }

    @Override
    public String name(int i) {
        return entry(i).toString();
    }

    /** Holds nothing open. */
    @Override
    public void close() {}
}
