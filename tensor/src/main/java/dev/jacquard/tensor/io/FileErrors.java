package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How files are named in errors, and how the file system's own errors are told. */
final class FileErrors {
    private static final Logger LOG = LoggerFactory.getLogger(FileErrors.class);
    private static final int QUOTED = 80;

    private FileErrors() {
    }

    /** Opens a regular file for reading; anything else (a folder, a pipe that would block) is refused. */
    static FileChannel openForReading(Path path) {
        if (!Files.exists(path)) {
            throw new DataException(name(path), "cannot be read", "no such file", "a file that exists", "check the path");
        }
        if (!Files.isRegularFile(path)) {
            throw new DataException(name(path), "cannot be read", Files.isDirectory(path) ? "a folder" : "a device or pipe", "a regular file",
                    "give the path of a file");
        }
        try {
            return FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw io(path, "cannot be read", e);
        }
    }

    /** What is made of a file that was opened for it. */
    @FunctionalInterface
    interface Reader<T> {
        T read(FileChannel channel) throws IOException;
    }

    /** Opens a file as {@link #openForReading} does, for something that keeps it; if that cannot be made, the file is closed again. */
    static <T> T open(Path path, Reader<T> reader) {
        FileChannel channel = openForReading(path);
        boolean opened = false;
        try {
            T made = reader.read(channel);
            opened = true;
            return made;
        } catch (IOException e) {
            throw io(path, "cannot be read", e);
        } finally {
            if (!opened) {
                closeQuietly(channel);
            }
        }
    }

    /** Closes a file that was only read: a failure loses nothing. */
    static void closeQuietly(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("close failed: {}", e.toString());
        }
    }

    /** An error of the file system. */
    static DataException io(Path path, String problem, IOException e) {
        String got = switch (e) {
            case NoSuchFileException _ -> "no such file";
            case ClosedByInterruptException _ -> "an interrupt of the thread";
            case ClosedChannelException _ -> "a closed file";
            default -> e.getClass().getSimpleName() + " " + text(String.valueOf(e.getMessage()));
        };
        String remedy = e instanceof ClosedChannelException
                ? "open it again; a thread interrupted during a read or write closes the file for all"
                : "check permissions and space on the disk";
        return new DataException(name(path), problem, got, "a readable or writable file", remedy, e);
    }

    /** A path on one line. */
    static String name(Path path) {
        return escape(path.toString());
    }

    /** A quoted string from a file: on one line and not longer than needed to recognise it. */
    static String quote(String s) {
        return "'" + text(s) + "'";
    }

    private static String text(String s) {
        return s.length() <= QUOTED ? escape(s) : escape(s.substring(0, QUOTED)) + "...";
    }

    private static String escape(String s) {
        StringBuilder out = new StringBuilder(s.length());
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            boolean plain = !Character.isISOControl(c) && c != '\u2028' && c != '\u2029';
            out.append(plain ? String.valueOf(c) : String.format("\\u%04x", (int) c));
        }
        return out.toString();
    }
}
