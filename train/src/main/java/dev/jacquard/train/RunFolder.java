package dev.jacquard.train;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The folder of one training run, held by one process at a time (an operating system's lock, gone when the process is, however it ends).
 *
 * <pre>
 * config.json         everything the run is a function of
 * classes.json        names of the classes, in the order of the network's outputs
 * log.jsonl           one JSON object per logged step and per epoch
 * curves.html         loss, accuracy and learning rate to look at
 * best.safetensors    weights of the best epoch; best_ema.safetensors beside it where averages are kept
 * last.safetensors    weights of the newest checkpoint; last_ema.safetensors
 * result.json         how it ended
 * checkpoints/        what resuming needs
 * </pre>
 */
public final class RunFolder implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final FileLock lock;
    /** Made for this run; null if it was there before. */
    private Path parent;

    private RunFolder(Path path, FileChannel channel, FileLock lock) {
        this.path = path;
        this.channel = channel;
        this.lock = lock;
    }

    /** Makes the folder of a new run. @throws DataException if it holds a run already, is in use, or cannot be written */
    public static RunFolder create(Path path) {
        try {
            Files.createDirectories(path);
        } catch (FileAlreadyExistsException e) {
            throw new DataException("--out " + path, "not a folder", "a file", "a folder, or nothing yet", "choose another path", e);
        } catch (IOException e) {
            throw Json.io(path, "the output folder cannot be made", e);
        }
        RunFolder run = lock(path);
        if (Files.exists(run.config())) {
            run.close();
            throw new DataException("--out " + path, "already holds a run", "its config.json", "a folder without a run",
                    "continue that run with --resume, or choose another folder");
        }
        return run;
    }

    /** Makes the next numbered folder, such as {@code run/resnet18-3}. @param parent made if need be */
    public static RunFolder createNumbered(Path parent, String name) {
        for (int i = 1;; i++) {
            Path path = parent.resolve(name + "-" + i);
            try {
                boolean first = !Files.exists(parent);
                Files.createDirectories(parent);
                Files.createDirectory(path);
                RunFolder run = create(path);
                run.parent = first ? parent : null;
                return run;
            } catch (FileAlreadyExistsException e) {
                if (!Files.isDirectory(parent)) {
                    throw new DataException("--out " + parent, "not a folder", "a file", "a folder, or nothing yet", "choose another path with --out", e);
                }
            } catch (IOException e) {
                throw Json.io(path, "the output folder cannot be made", e);
            }
        }
    }

    /** Opens the folder of an existing run. @throws DataException if it holds none, or is in use */
    public static RunFolder resume(Path path) {
        if (!Files.exists(path.resolve("config.json"))) {
            throw new DataException("--resume " + path, "holds no run", Files.isDirectory(path) ? "a folder without config.json" : "no such folder", "the folder of a run",
                    "check the path, or start a new run without --resume");
        }
        return lock(path);
    }

    /** The run below a folder whose log changed last. */
    public static Optional<Path> latest(Path parent) {
        if (!Files.isDirectory(parent)) {
            return Optional.empty();
        }
        try (Stream<Path> list = Files.list(parent)) {
            return list.filter(p -> Files.exists(p.resolve("config.json"))).max(Comparator.comparing(RunFolder::changed));
        } catch (IOException e) {
            throw Json.io(parent, "cannot be listed", e);
        }
    }

    private static java.nio.file.attribute.FileTime changed(Path run) {
        Path log = run.resolve("log.jsonl");
        try {
            return Files.getLastModifiedTime(Files.exists(log) ? log : run.resolve("config.json"));
        } catch (IOException e) {
            throw Json.io(log, "cannot be read", e);
        }
    }

    private static RunFolder lock(Path path) {
        FileChannel channel = null;
        FileLock lock = null;
        try {
            channel = FileChannel.open(path.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            lock = channel.tryLock();
            if (lock != null) {
                return new RunFolder(path, channel, lock);
            }
            throw inUse(path);
        } catch (OverlappingFileLockException e) {
            throw inUse(path);
        } catch (IOException e) {
            throw Json.io(path, "the output folder cannot be written", e);
        } finally {
            if (lock == null && channel != null) {
                try {
                    channel.close();
                } catch (IOException e) {
                    // The error that matters is on its way.
                }
            }
        }
    }

    private static CallerException inUse(Path path) {
        return new DataException("--out " + path, "in use by another run", "its lock held by another process", "a folder of its own for each run",
                "wait for that run, or choose another folder");
    }

    /** The folder. */
    public Path path() {
        return path;
    }

    /** {@code config.json}. */
    public Path config() {
        return path.resolve("config.json");
    }

    /** {@code classes.json}. */
    public Path classes() {
        return path.resolve("classes.json");
    }

    /** {@code log.jsonl}. */
    public Path log() {
        return path.resolve("log.jsonl");
    }

    /** {@code curves.html}. */
    public Path curves() {
        return path.resolve("curves.html");
    }

    /** {@code best.safetensors}. */
    public Path best() {
        return path.resolve("best.safetensors");
    }

    /** {@code last.safetensors}. */
    public Path last() {
        return path.resolve("last.safetensors");
    }

    /** {@code best_ema.safetensors}. */
    public Path bestAveraged() {
        return path.resolve("best_ema.safetensors");
    }

    /** {@code last_ema.safetensors}. */
    public Path lastAveraged() {
        return path.resolve("last_ema.safetensors");
    }

    /** {@code result.json}. */
    public Path result() {
        return path.resolve("result.json");
    }

    /** {@code checkpoints/}. */
    public Path checkpoints() {
        return path.resolve("checkpoints");
    }

    /** Releases the lock; the folder of a run that never began is removed. */
    @Override
    public void close() {
        if (!channel.isOpen()) {
            return;
        }
        try {
            boolean began = Files.exists(config());
            if (!began) {
                Files.deleteIfExists(path.resolve(".lock"));
            }
            lock.release();
            channel.close();
            if (!began) {
                deleteIfEmpty(checkpoints());
                deleteIfEmpty(path);
                if (parent != null) {
                    deleteIfEmpty(parent);
                }
            }
        } catch (IOException e) {
            org.slf4j.LoggerFactory.getLogger(RunFolder.class).warn("{}: lock not released cleanly: {}", path, e.toString());
        }
    }

    private static void deleteIfEmpty(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        boolean empty;
        try (Stream<Path> list = Files.list(folder)) {
            empty = list.findAny().isEmpty();
        }
        if (empty) {
            Files.delete(folder);
        }
    }
}
