package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A data set in two parts, for one that comes without held-out images. The classes stay those of the whole.
 *
 * @param train what to learn from; closing it closes the data set
 * @param val what is held out
 */
public record Split(ImageSource train, ImageSource val) {
    /**
     * Holds out every n-th image of each class, in the order of the source, or the last one of a class that has fewer: the same ones every time.
     *
     * @throws DataException if no class has two images
     */
    public static Split everyNth(ImageSource all, int n, String name) {
        List<Integer> train = new ArrayList<>();
        List<Integer> val = new ArrayList<>();
        int[] sizes = new int[all.classes().size()];
        for (int i = 0; i < all.size(); i++) {
            sizes[all.label(i)]++;
        }
        int[] seen = new int[sizes.length];
        for (int i = 0; i < all.size(); i++) {
            int size = sizes[all.label(i)];
            boolean held = size >= 2 && ++seen[all.label(i)] % Math.min(n, size) == 0;
            (held ? val : train).add(i);
        }
        if (val.isEmpty()) {
            throw new DataException(name, "too few images to hold some out", all.size() + " in " + sizes.length + " classes", "a class of at least two",
                    "give held-out images with --val, or more images");
        }
        return new Split(new Part(all, train.stream().mapToInt(Integer::intValue).toArray(), true), new Part(all, val.stream().mapToInt(Integer::intValue).toArray(), false));
    }

    /** Some samples of a source. */
    private record Part(ImageSource all, int[] samples, boolean closes) implements ImageSource {
        @Override
        public int size() {
            return samples.length;
        }

        @Override
        public byte[] bytes(int index) {
            return all.bytes(samples[index]);
        }

        @Override
        public void read(int index, Encoded into) {
            all.read(samples[index], into);
        }

        @Override
        public int label(int index) {
            return all.label(samples[index]);
        }

        @Override
        public String name(int index) {
            return all.name(samples[index]);
        }

        @Override
        public List<String> classes() {
            return all.classes();
        }

        @Override
        public Map<String, Integer> passedOver() {
            return all.passedOver();
        }

        @Override
        public List<int[]> shards() {
            int[] own = new int[all.size()];
            Arrays.fill(own, -1);
            for (int i = 0; i < samples.length; i++) {
                own[samples[i]] = i;
            }
            return all.shards().stream().map(s -> Arrays.stream(s).map(i -> own[i]).filter(i -> i >= 0).toArray()).toList();
        }

        @Override
        public boolean synthetic() {
            return all.synthetic();
        }

        @Override
        public void close() {
            if (closes) {
                all.close();
            }
        }
    }
}
