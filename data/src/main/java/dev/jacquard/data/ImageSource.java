package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * An ordered list of labelled images in encoded form. Samples are numbered 0 to {@link #size} - 1; classes are numbered in the
 * sorted order of their names, as torchvision's {@code ImageFolder} does. All methods but {@link #close} may be called by many
 * threads at once.
 */
public interface ImageSource extends AutoCloseable {
    /** Number of samples. */
    int size();

    /**
     * The encoded image (JPEG, PNG, ...) of a sample; the caller does not change the array.
     *
     * @throws DataException if it cannot be read
     */
    byte[] bytes(int index);

    /**
     * The same into memory that is used again: nothing is allocated for an image once the memory is large enough.
     *
     * @throws DataException if it cannot be read
     */
    default void read(int index, Encoded into) {
        into.refer(bytes(index));
    }

    /** The class of a sample, an index into {@link #classes}. */
    int label(int index);

    /** What messages call a sample: its file, or its entry in an archive. */
    String name(int index);

    /** The names of the classes, sorted. */
    List<String> classes();

    /**
     * How many entries were not taken for samples though they may look like some, by reason: links in a tar, names that leave it, folders that may not be read. Empty if there were
     * none.
     */
    default Map<String, Integer> passedOver() {
        return Map.of();
    }

    /** The samples by shard, in the order in which they lie there; empty if they do not lie in shards. */
    default List<int[]> shards() {
        return List.of();
    }

    /** Whether there are no images behind the samples, and a {@link Loader} makes up a batch. */
    default boolean synthetic() {
        return false;
    }

    /**
     * The order in which an epoch of training takes the samples: a function of (seed, epoch) alone.
     *
     * @param from how many of them, from the first on, will not be read, as the run begins in the middle of the epoch: a source that reads ahead need not read them
     * @return a permutation of 0 to {@link #size} - 1
     */
    default int[] order(long seed, long epoch, int from) {
        return SampleRandom.permutation(size(), seed, epoch);
    }

    /**
     * The same samples, read in the order of the disk, with a shuffle buffer: for tars on disks that seek slowly. Their numbers are others than this source's. Closing it closes
     * this one.
     *
     * @param buffer images that are held in memory, encoded, and shuffled among each other; 1 or more
     * @throws CallerException if the samples do not lie in shards
     */
    default ImageSource sequential(int buffer) {
        return new SequentialSource(this, buffer);
    }

    /** Frees what the source holds open. */
    @Override
    void close();

    /**
     * Opens what a user names:
     *
     * <ul>
     * <li>a folder with one subfolder of images per class; images may lie deeper than that. Symbolic links are followed;
     * <li>an uncompressed tar of that layout (the class folders may stand in one common top folder), or with an entry {@code x.cls} beside each {@code x.jpg} that holds the number
     *     of its class (WebDataset's);
     * <li>several such tars that make up one data set: a folder that has tars and no folders, {@code shards/train-*.tar}, {@code shards/train-{000..146}.tar};
     * <li>a list, a file that ends in .txt, .tsv, .lst or .list: lines of path, tab (or blanks), class, as names or as numbers from 0; paths are relative to the list's folder;
     * <li>several of these, separated by commas: one after the other; classes of one name are one;
     * <li>{@code synthetic}, {@code synthetic:CLASSES} or {@code synthetic:CLASSES:IMAGES}: one batch of noise again and again, for benchmarks.
     * </ul>
     *
     * <p>Files that are not named like images, and hidden ones, are passed over. In folders and tars samples are sorted by class, then by path. Names in a tar are never used as
     * paths; entries that are links, sparse, or whose names lead out of the archive are passed over, counted ({@link #passedOver}) and warned of. What exists under the whole name
     * is taken as such, commas and all.
     *
     * @throws DataException if there is nothing of that name, or it is of another kind, or damaged, or a class has no images
     */
    static ImageSource open(String data) {
        return SourceNames.open(data);
    }

    /** Opens a folder, a tar or a list, see {@link #open(String)}. */
    static ImageSource open(Path path) {
        return SourceNames.open(path);
    }
}
