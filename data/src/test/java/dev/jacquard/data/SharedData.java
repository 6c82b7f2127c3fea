package dev.jacquard.data;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the real images that lie beside the checkout, in {@code shared/data} next to one of its ancestors. */
final class SharedData {
    private SharedData() {}

    /** The file, or null if it is not on this machine. */
    static Path find(String name) {
        for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
            Path file = p.resolveSibling("shared").resolve("data").resolve(name);
            if (p.getParent() != null && Files.exists(file)) {
                return file;
            }
        }
        return null;
    }

    /** The file; skips the calling test, visibly, where it is absent. */
    static Path require(String name) {
        Path file = find(name);
        assumeTrue(file != null, "skipped: ../shared/data/" + name + " is not on this machine");
        return file;
    }
}
