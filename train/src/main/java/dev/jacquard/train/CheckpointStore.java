package dev.jacquard.train;

import com.google.gson.JsonParseException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.io.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Folders of files, {@code step-00001234}, each of which is there as a whole or not at all, whatever moment the process or the machine dies at.
 *
 * <p>A checkpoint is written into a folder of another name, every file forced to the disk, then a manifest with each file's length and CRC-32C, then the
 * folder; only then it gets its name, by one rename, and its parent is forced. Older ones go after that, each renamed away before it is taken apart.
 * {@link #newest} nevertheless believes a folder only if it agrees with its manifest: a disk may lie about what it forced.
 *
 * <p>One process at a time, which the lock of {@link RunFolder} sees to; not thread-safe.
 */
final class CheckpointStore {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
    private static final Pattern NAME = Pattern.compile("step-(\\d{8,18})(?:-(\\d{1,9}))?");
    private static final String MANIFEST = "manifest.json";
    private static final String UNFINISHED = ".unfinished-";
    private static final String DISCARDED = ".discarded-";

    private final Path folder;
    private final Probe probe;

    /** A place where a test may end the world. */
    @FunctionalInterface
    interface Probe {
        void at(String point) throws IOException;
    }

    /** Writes a checkpoint's files into a folder, each forced to the disk. */
    @FunctionalInterface
    interface Body {
        void write(Path folder, Probe probe) throws IOException;
    }

    /** Bytes and checksum of a file. */
    private record Seal(long bytes, String crc32c) {}

    /** The files of a checkpoint. */
    private record Manifest(Map<String, Seal> files) {}

    /** A checkpoint's place in time: later saves of one step count up. */
    private record Name(long step, int revision) implements Comparable<Name> {
        static Optional<Name> of(Path p) {
            Matcher m = NAME.matcher(p.getFileName().toString());
            return m.matches() ? Optional.of(new Name(Long.parseLong(m.group(1)), m.group(2) == null ? 0 : Integer.parseInt(m.group(2)))) : Optional.empty();
        }

        @Override
        public int compareTo(Name o) {
            return Comparator.comparingLong(Name::step).thenComparingInt(Name::revision).compare(this, o);
        }

        @Override
        public String toString() {
            return String.format("step-%08d%s", step, revision == 0 ? "" : "-" + revision);
        }
    }

    /** A store in a folder, made if need be; what a dead process left unfinished is removed. */
    CheckpointStore(Path folder) {
        this(folder, _ -> {});
    }

    /** As above, with a probe that is asked at every point of a save. */
    CheckpointStore(Path folder, Probe probe) {
        this.folder = folder;
        this.probe = probe;
        try {
            Files.createDirectories(folder);
            for (Path p : list()) {
                String name = p.getFileName().toString();
                if (name.startsWith(UNFINISHED) || name.startsWith(DISCARDED)) {
                    delete(p);
                }
            }
        } catch (IOException e) {
            throw Json.io(folder, "the folder of checkpoints cannot be used", e);
        }
    }

    /**
     * Saves a checkpoint.
     *
     * @return its folder, durable
     * @throws DataException if the disk refuses; earlier checkpoints are then as they were
     */
    Path save(long step, Body body) {
        Path temporary = folder.resolve(UNFINISHED + UUID.randomUUID());
        try {
            Files.createDirectory(temporary);
            probe.at("folder made");
            body.write(temporary, probe);
            probe.at("files written");
            Json.write(temporary.resolve(MANIFEST), Json.pretty(manifest(temporary)));
            probe.at("manifest written");
            AtomicFile.forceFolder(temporary);
            probe.at("folder forced");
            Path target = folder.resolve(name(step));
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            probe.at("renamed");
            AtomicFile.forceFolder(folder);
            probe.at("parent forced");
            return target;
        } catch (IOException e) {
            throw Json.io(folder, "the checkpoint of step " + step + " cannot be written", e);
        } finally {
            discardQuietly(temporary);
        }
    }

    /** The name that a save of this step gets, one that is not taken: a step may be saved again, before and after its epoch's evaluation. */
    String name(long step) {
        try {
            int revision = names().stream().filter(n -> n.step == step).mapToInt(n -> n.revision + 1).max().orElse(0);
            return new Name(step, revision).toString();
        } catch (IOException e) {
            throw Json.io(folder, "checkpoints cannot be listed", e);
        }
    }

    private void discardQuietly(Path temporary) {
        if (Files.exists(temporary)) {
            try {
                delete(temporary);
            } catch (IOException e) {
                LOG.warn("{}: could not be removed: {}", temporary, e.toString());
            }
        }
    }

    /** The newest checkpoint that is whole; a damaged one is passed over with a warning. */
    Optional<Path> newest() {
        try {
            for (Name n : names().reversed()) {
                Path p = folder.resolve(n.toString());
                Optional<String> damage = damage(p);
                if (damage.isEmpty()) {
                    return Optional.of(p);
                }
                LOG.warn("checkpoint {} is damaged and passed over: {}", p, damage.get());
            }
            return Optional.empty();
        } catch (IOException e) {
            throw Json.io(folder, "checkpoints cannot be read", e);
        }
    }

    /** Removes all but the newest {@code keep} and those named. */
    void prune(int keep, Set<String> spared) {
        try {
            List<Name> names = names();
            for (Name n : names.subList(0, Math.max(names.size() - keep, 0))) {
                if (!spared.contains(n.toString())) {
                    Path away = folder.resolve(DISCARDED + UUID.randomUUID());
                    probe.at("before discarding");
                    Files.move(folder.resolve(n.toString()), away, StandardCopyOption.ATOMIC_MOVE);
                    probe.at("discarded");
                    delete(away);
                    probe.at("deleted");
                }
            }
        } catch (IOException e) {
            throw Json.io(folder, "old checkpoints cannot be removed", e);
        }
    }

    /** In order of time. */
    private List<Name> names() throws IOException {
        return list().stream().flatMap(p -> Name.of(p).stream()).sorted().toList();
    }

    private List<Path> list() throws IOException {
        try (Stream<Path> s = Files.list(folder)) {
            return s.toList();
        }
    }

    /** Why a checkpoint is not to be believed; empty if it is whole. */
    private static Optional<String> damage(Path checkpoint) throws IOException {
        Path file = checkpoint.resolve(MANIFEST);
        if (!Files.isRegularFile(file)) {
            return Optional.of("no " + MANIFEST);
        }
        Manifest expected;
        try {
            expected = Json.parse(Files.readString(file), Manifest.class);
        } catch (JsonParseException | java.nio.charset.CharacterCodingException e) {
            return Optional.of(MANIFEST + ": " + Json.oneLine(e));
        }
        if (expected == null || expected.files == null || expected.files.isEmpty()) {
            return Optional.of(MANIFEST + " names no files");
        }
        for (Map.Entry<String, Seal> e : expected.files.entrySet()) {
            Path p = checkpoint.resolve(e.getKey());
            if (!Files.isRegularFile(p) || Files.size(p) != e.getValue().bytes || !seal(p).equals(e.getValue())) {
                return Optional.of(e.getKey() + " is not what the manifest says");
            }
        }
        return Optional.empty();
    }

    private static Manifest manifest(Path folder) throws IOException {
        Map<String, Seal> files = new TreeMap<>();
        try (Stream<Path> s = Files.list(folder)) {
            for (Path p : s.toList()) {
                files.put(p.getFileName().toString(), seal(p));
            }
        }
        return new Manifest(files);
    }

    private static Seal seal(Path file) throws IOException {
        CRC32C crc = new CRC32C();
        ByteBuffer piece = ByteBuffer.allocateDirect(1 << 18);
        long bytes = 0;
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            while (in.read(piece) >= 0) {
                piece.flip();
                bytes += piece.remaining();
                crc.update(piece);
                piece.clear();
            }
        }
        return new Seal(bytes, String.format("%08x", crc.getValue()));
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> s = Files.walk(tree)) {
            for (Path p : s.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        }
    }
}
