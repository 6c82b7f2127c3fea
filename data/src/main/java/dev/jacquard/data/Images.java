package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;

/** Single images, for classification of a file. Thread-safe. */
public final class Images {
    static final long MAX_FILE_BYTES = 512L << 20;

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
            worker.process(encoded, encoded.length, name, false, 0, 0, 0, MemorySegment.ofArray(out), 0);
        }
        return out;
    }

    /** A file's bytes. @throws DataException if it is missing, unreadable or over 512 MiB */
    static byte[] bytes(Path file) {
        Encoded encoded = new Encoded();
        read(file, encoded);
        return Arrays.copyOf(encoded.bytes(), encoded.length());
    }

    /** The same into memory that is used again. */
    static void read(Path file, Encoded into) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                throw new DataException(file.toString(), "not a file", "a folder or a special file", "an image file", "check the path");
            }
            if (attributes.size() > MAX_FILE_BYTES) {
                throw new DataException(file.toString(), "the file is too large for an image", attributes.size() + " bytes", "at most " + MAX_FILE_BYTES, "remove it");
            }
            int size = (int) attributes.size();
            ByteBuffer buffer = ByteBuffer.wrap(into.room(size), 0, size);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                while (buffer.hasRemaining()) {
                    if (channel.read(buffer) < 0) {
                        throw new DataException(file.toString(), "the file became shorter while it was read", buffer.position() + " bytes", size + " bytes",
                                "do not change images while they are in use");
                    }
                }
            }
        } catch (NoSuchFileException e) {
            throw new DataException(file.toString(), "no such file", "nothing at this path", "an image file", "check the path", e);
        } catch (IOException e) {
            throw new DataException(file.toString(), "the file cannot be read", e.toString(), "a readable file", "check its permissions and the disk", e);
        }
    }
}
