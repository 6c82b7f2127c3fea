package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The folder kernels/ as it lies in the checkout, for tests of what is committed. */
final class SourceTree {
    /** The folder kernels/. */
    static final Path KERNELS = root().resolve("kernels");

    private SourceTree() {}

    /** The checkout. */
    static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("mvnw"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new AssertionError("no folder above " + Path.of("").toAbsolutePath() + " has mvnw: run the test inside the repository");
            }
        }
        return folder;
    }

    /** Names, without their ending, of the files of a folder of kernels/ that have that ending; sorted. */
    static List<String> names(String folder, String ending) {
        try (Stream<Path> files = Files.list(KERNELS.resolve(folder))) {
            return files.map(f -> f.getFileName().toString()).filter(f -> f.endsWith(ending)).map(f -> f.substring(0, f.length() - ending.length())).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file of kernels/. */
    static String read(String file) {
        try {
            return Files.readString(KERNELS.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException("run kernels/build", e);
        }
    }

    static void assertNone(String what, List<String> wrong) {
        if (!wrong.isEmpty()) {
            fail(what + ":\n  " + String.join("\n  ", wrong));
        }
    }
}
