package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** Single images, for classification of a file. Thread-safe. */
public final class Images {
    private static final long MAX_FILE_BYTES = 512L << 20;

    private Images() {}

    /**
     * Decodes a file and transforms it as for evaluation.
     *
     * @return (size, size, 3) bytes, 8-bit RGB
     * @throws DataException if the file is missing, unreadable or no whole image
     */
    public static byte[] read(Path file, Transform.Eval transform) {
        return read(bytes(file), file.toString(), transform);
    }

    /**
     * Decodes an image in memory and transforms it as for evaluation.
     *
     * @param encoded a JPEG, PNG, ...
     * @param name    what messages call it
     * @return (size, size, 3) bytes, 8-bit RGB
     * @throws DataException if it is no whole image
     */
    public static byte[] read(byte[] encoded, String name, Transform.Eval transform) {
        byte[] out = new byte[transform.size() * transform.size() * 3];
        try (ImageWorker worker = new ImageWorker(transform, ImageDecoder.DEFAULT_MAX_PIXELS)) {
            worker.process(encoded, encoded.length, name, 0, 0, 0, MemorySegment.ofArray(out), 0);
        }
        return out;
    }

    /** A file's bytes. @throws DataException if it is missing, unreadable or over 512 MiB */
    static byte[] bytes(Path file) {
        try {
            if (!Files.exists(file)) {
                throw new DataException(file.toString(), "no such file", "nothing at this path", "an image file", "check the path");
            }
            if (!Files.isRegularFile(file)) {
                throw new DataException(file.toString(), "not a file", "a folder or a special file", "an image file", "check the path");
            }
            long size = Files.size(file);
            if (size > MAX_FILE_BYTES) {
                throw new DataException(file.toString(), "the file is too large for an image", size + " bytes", "at most " + MAX_FILE_BYTES, "remove it");
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new DataException(file.toString(), "the file cannot be read", e.toString(), "a readable file", "check its permissions and the disk", e);
        }
    }
}
