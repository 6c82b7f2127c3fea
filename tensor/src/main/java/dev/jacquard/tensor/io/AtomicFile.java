package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that appears whole or not at all. The bytes go to a temporary file in the same folder, which is forced to the
 * disk, renamed over the target in one step, and made durable by forcing the folder. Whatever happens before the rename
 * (an exception, a crash, a power cut) leaves the old file as it was.
 *
 * <p>Most callers need only {@link #write}. The object form is for writers that span several calls: {@link #commit} makes
 * the file appear, {@link #close} without a commit drops it. Not thread-safe. A symbolic link at the target is replaced
 * by the file. A killed process may leave its temporary file behind; {@link #isTemporary} knows them.
 */
public final class AtomicFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AtomicFile.class);
    private static final String PREFIX = ".jacquard-";
    private static final String SUFFIX = ".tmp";

    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private boolean done;

    private AtomicFile(Path target, Path temporary, FileChannel channel) {
        this.target = target;
        this.temporary = temporary;
        this.channel = channel;
    }

    /**
     * What fills a file.
     *
     * @param <T> the channel or stream that it writes to
     */
    @FunctionalInterface
    public interface IOConsumer<T> {
        /** Writes all of the file's bytes; need not close or flush. */
        void accept(T sink) throws IOException;
    }

    /**
     * Writes a file through a channel.
     *
     * @throws DataException if the folder is missing or the disk refuses; what {@code body} throws unchecked passes
     *     through. In both cases the file is as it was before and no temporary file is left
     */
    public static void write(Path path, IOConsumer<? super FileChannel> body) {
        try (AtomicFile file = open(path)) {
            body.accept(file.channel);
            file.commit();
        } catch (IOException e) {
            throw FileErrors.io(path, "cannot be written", e);
        }
    }

    /** Writes a file through a buffered stream; otherwise as {@link #write}. */
    public static void writeStream(Path path, IOConsumer<? super OutputStream> body) {
        write(path, channel -> {
            OutputStream stream = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
            body.accept(stream);
            stream.flush();
        });
    }

    /** Begins a file; nothing is seen at {@code path} until {@link #commit}. @throws DataException if it cannot be made */
    public static AtomicFile open(Path path) {
        Path target = path.toAbsolutePath();
        Path folder = target.getParent();
        if (folder == null || Files.isDirectory(target)) {
            throw new DataException(FileErrors.name(path), "cannot be written", "a folder", "the path of a file", "add a file name to the path");
        }
        if (!Files.isDirectory(folder)) {
            throw new DataException(FileErrors.name(path), "cannot be written", "no folder " + FileErrors.name(folder), "a folder that exists",
                    "make the folder first or correct the path");
        }
        // Not Files.createTempFile: it makes files only the owner can read, and the rename would keep that.
        Path temporary = folder.resolve(PREFIX + UUID.randomUUID() + SUFFIX);
        try {
            return new AtomicFile(target, temporary,
                    FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.READ));
        } catch (IOException e) {
            throw FileErrors.io(path, "cannot be written", e);
        }
    }

    /** Whether a path has the name of a temporary file of this class; such a file of a dead process may be deleted. */
    public static boolean isTemporary(Path path) {
        Path name = path.getFileName();
        return name != null && name.toString().startsWith(PREFIX) && name.toString().endsWith(SUFFIX);
    }

    /** Where the bytes go. */
    public FileChannel channel() {
        return channel;
    }

    /**
     * Makes the file appear at its path, durably.
     *
     * @throws DataException if the disk refuses; the old file is then kept, unless only the forcing of the folder failed:
     *     the new file is then in place, but may not outlive a power cut
     */
    public void commit() {
        try {
            channel.force(true);
            channel.close();
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            done = true;
            forceFolder(target.getParent());
        } catch (IOException e) {
            throw FileErrors.io(target, "cannot be written", e);
        }
    }

    /** Ends the writing; if not committed, the temporary file is removed and the target is as it was. */
    @Override
    public void close() {
        if (done) {
            return;
        }
        done = true;
        try (channel) {
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            // The caller is on its way out with the error that matters.
            LOG.warn("{}: temporary file could not be removed: {}", temporary, e.toString());
        }
    }

    /** Makes the names in a folder durable: after files were made, renamed or removed in it. */
    public static void forceFolder(Path folder) throws IOException {
        FileChannel handle;
        try {
            handle = FileChannel.open(folder, StandardOpenOption.READ);
        } catch (IOException e) {
            // Windows opens no folders; its rename is durable by the journal.
            LOG.debug("{}: folder could not be opened to be forced: {}", folder, e.toString());
            return;
        }
        try (handle) {
            handle.force(true);
        }
    }
}
