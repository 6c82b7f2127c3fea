package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Every kernel keeps its contract's Traffic, wastes no sectors and has no bank conflict that nobody explained; and docs/kernels.md says what it did. {@code -Dupdate} writes the page. */
class KernelPageTest {
    private static final KernelPage.Page PAGE = KernelPage.make();

    @Test
    void kernelsMoveWhatTheyPromise() {
        if (!PAGE.excess().isEmpty()) {
            fail("kernels that pass a limit:\n  " + String.join("\n  ", PAGE.excess()));
        }
    }

    @Test
    void thePageIsTheOneThatIsCommitted() throws IOException {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("mvnw"))) {
            root = root.getParent();
        }
        Path page = root.resolve("docs/kernels.md");
        if (System.getProperty("update") != null) {
            Files.writeString(page, PAGE.text());
        }
        assertEquals(PAGE.text(), Files.exists(page) ? Files.readString(page) : "", "docs/kernels.md: run this test with -Dupdate");
    }
}
