package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

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

    /** Frees what the source holds open. */
    @Override
    void close();

    /**
     * Opens a folder with one subfolder of images per class, or an uncompressed tar of that layout (in which the class folders
     * may also stand in one common top folder). Files that are not named like images, and hidden ones, are passed over; images
     * may lie deeper than their class folder. Samples are sorted by class, then by path.
     *
     * @throws DataException if there is nothing at the path, or it is of another kind, or damaged, or a class has no images
     */
    static ImageSource open(Path path) {
        if (!Files.exists(path)) {
            throw new DataException(path.toString(), "no such data set", "nothing at this path", "a folder of class folders or a tar of one", "check the path");
        }
        if (Files.isDirectory(path)) {
            return FolderSource.open(path);
        }
        try {
            if (Files.isRegularFile(path) && (path.toString().endsWith(".tar") || TarSource.hasTarMagic(path))) {
                return TarSource.open(path);
            }
        } catch (IOException e) {
            throw new DataException(path.toString(), "the file cannot be read", e.toString(), "a readable tar", "check its permissions and the disk", e);
        }
        throw new DataException(path.toString(), "unknown kind of data set", "a file that is no tar", "a folder of class folders or an uncompressed tar of one",
                "unpack it, or pack the folder with: tar cf images.tar folder");
    }
}
