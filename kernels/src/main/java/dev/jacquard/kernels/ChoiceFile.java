package dev.jacquard.kernels;

import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.io.AtomicFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was measured on one device with one version of everything that computes on it: for an op and its operands the fastest candidate, and its time. A text file with a line each,
 * sorted, that several processes may add to: they take turns at a lock beside it, and it is replaced in one step. What cannot be read is passed over with one warning: it is
 * measured again.
 *
 * <pre>
 * # jacquard choices 1
 * # NVIDIA H200, sm_90, 132 SMs, driver 13000, libraries cublas 130100 cudnn 91300, kernels 1f2e3d4c
 * matmul[transposeA=false, ...] f16(128, 2048) f16(1000, 2048)&#9;mma 128x128&#9;12.34
 * </pre>
 */
final class ChoiceFile {
    /** A remembered choice. @param candidate its name @param us measured microseconds */
    record Line(String candidate, double us) {}

    private static final Logger LOG = LoggerFactory.getLogger(ChoiceFile.class);
    private static final String FORMAT = "# jacquard choices 1";
    private static final String FOLDER = "jacquard.choices";
    private static final int MOST_SHOWN = 80;
    /** Locks of files hold between processes only. */
    private static final Object IN_THIS_PROCESS = new Object();

    private final Path file;
    private final String conditions;
    private final Map<String, Line> known = new HashMap<>();
    private final Map<String, Line> fresh = new HashMap<>();
    private boolean warned;

    /** @param conditions all that measured times depend on beside op and operands, in one line */
    ChoiceFile(Path folder, String conditions) {
        this.conditions = conditions;
        CRC32 hash = new CRC32();
        hash.update(conditions.getBytes(StandardCharsets.UTF_8));
        String device = conditions.replaceFirst(",.*", "").replaceAll("[^A-Za-z0-9]+", "-").toLowerCase(Locale.ROOT);
        this.file = folder.toAbsolutePath().resolve(String.format("choices-%s-%08x.txt", device, hash.getValue()));
        known.putAll(read());
    }

    /** {@code -Djacquard.choices=FOLDER}, or {@code jacquard} in the user's folder of caches. */
    static Path folder() {
        return folder(System.getProperty(FOLDER), System.getenv("XDG_CACHE_HOME"), System.getProperty("user.home"));
    }

    /** The same for given settings, which may be null or empty. A folder of caches that is not absolute is to be ignored (XDG Base Directory Specification). */
    static Path folder(String given, String caches, String home) {
        if (given != null && !given.isBlank()) {
            return Path.of(given);
        }
        boolean usable = caches != null && Path.of(caches).isAbsolute();
        return (usable ? Path.of(caches) : Path.of(home, ".cache")).resolve("jacquard");
    }

    Path path() {
        return file;
    }

    /** What is known of an op and its operands. */
    synchronized Optional<Line> get(String key) {
        return Optional.ofNullable(known.get(key));
    }

    /** Remembers a choice; {@link #save} writes it down. */
    synchronized void put(String key, Line line) {
        known.put(key, line);
        fresh.put(key, line);
    }

    /** Writes what is new, beside what other processes have written meanwhile. A disk that refuses costs the measurements, not the run. */
    synchronized void save() {
        if (fresh.isEmpty()) {
            return;
        }
        try {
            Files.createDirectories(file.getParent());
            synchronized (IN_THIS_PROCESS) {
                try (FileChannel turn = FileChannel.open(file.resolveSibling(file.getFileName() + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE); FileLock _ =
                        turn.lock()) {
                    Map<String, Line> all = new TreeMap<>(read());
                    all.putAll(fresh);
                    AtomicFile.writeStream(file, out -> out.write(text(all).getBytes(StandardCharsets.UTF_8)));
                }
            }
            LOG.info("{} measured choices of kernels remembered in {}", fresh.size(), file);
            fresh.clear();
        } catch (IOException | JacquardException e) {
            warn("cannot be written, choices will be measured again: " + e);
        }
    }

    private String text(Map<String, Line> lines) {
        StringBuilder text = new StringBuilder(FORMAT + "\n# " + conditions + "\n");
        lines.forEach((key, l) -> text.append(String.format(Locale.ROOT, "%s\t%s\t%.2f%n", key, l.candidate, l.us)));
        return text.toString();
    }

    private Map<String, Line> read() {
        Map<String, Line> lines = new HashMap<>();
        String[] all;
        try {
            all = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\\R", -1);
        } catch (NoSuchFileException e) {
            return lines;
        } catch (IOException e) {
            warn("cannot be read, choices will be measured again: " + e);
            return lines;
        }
        if (all.length < 2 || !all[0].equals(FORMAT) || !all[1].equals("# " + conditions)) {
            warn("is not what it should be and will be written anew: got '" + shown(all[0]) + "'; expected '" + FORMAT + "', then '# " + conditions + "'");
            return lines;
        }
        int damaged = 0;
        int end = all[all.length - 1].isEmpty() ? all.length - 1 : all.length;
        for (int i = 2; i < end; i++) {
            String[] cells = all[i].split("\t", -1);
            if (cells.length == 3 && !cells[0].isEmpty() && !cells[1].isEmpty() && cells[2].matches("\\d{1,12}\\.\\d{2}")) {
                lines.put(cells[0], new Line(cells[1], Double.parseDouble(cells[2])));
            } else {
                damaged++;
            }
        }
        if (damaged > 0) {
            warn(damaged + " of " + (end - 2) + " lines are damaged and passed over; what they were about is measured again");
        }
        return lines;
    }

    /** The beginning of a line that may be anything: a log is for people. */
    private static String shown(String line) {
        return (line.length() > MOST_SHOWN ? line.substring(0, MOST_SHOWN) + "..." : line).replaceAll("\\p{Cntrl}", "?");
    }

    /** Once: a file that is damaged is so every time. */
    private void warn(String what) {
        if (!warned) {
            warned = true;
            LOG.warn("file of choices {}: {}", file, what);
        }
    }
}
