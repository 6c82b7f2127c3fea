package dev.jacquard.train;

import dev.jacquard.data.Encoded;
import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.ImageSource;
import java.util.List;

/** The generated pictures; a test changes what it wants otherwise. */
class ForwardingSource implements ImageSource {
    private final GeneratedImages images;

    ForwardingSource(int count) {
        images = new GeneratedImages(1, GeneratedImages.Split.TRAIN, count);
    }

    @Override
    public int size() {
        return images.size();
    }

    @Override
    public byte[] bytes(int index) {
        return images.bytes(index);
    }

    @Override
    public void read(int index, Encoded into) {
        images.read(index, into);
    }

    @Override
    public int label(int index) {
        return images.label(index);
    }

    @Override
    public String name(int index) {
        return images.name(index);
    }

    @Override
    public List<String> classes() {
        return images.classes();
    }

    @Override
    public void close() {
        images.close();
    }
}
