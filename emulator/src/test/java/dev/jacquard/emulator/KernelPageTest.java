package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.jacquard.kernels.catalog.KernelRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Every kernel keeps its contract's Traffic, wastes no sectors and has no bank conflict that nobody explained; and docs/kernels.md says what it did. {@code -Dupdate} writes the
 * page.
 */
class KernelPageTest {
    private static final KernelPage.Page PAGE = KernelPage.make();

    @Test
    void kernelsMoveWhatTheyPromise() {
        if (!PAGE.excess().isEmpty()) {
            fail("kernels that pass a limit:\n  " + String.join("\n  ", PAGE.excess()));
        }
    }

    @Test
    void aLaunchSaysWhatItTakesOfAMultiprocessor() {
        KernelRow row = new KernelRow("x", "x_f16", 128, Map.of("sm_80", new KernelRow.Needs(246, 16, 0, 0), "sm_90a", new KernelRow.Needs(200, 16, 0, 0)));
        assertEquals("   246/200    16+65536       2/2", KernelPage.needs(row, "x_f16 <<<(9, 1, 1), (128, 1, 1), 65536>>>"));
        KernelRow hopper = new KernelRow("x", "x_f16", 128, Map.of("sm_90a", new KernelRow.Needs(168, 0, 0, 0)));
        assertEquals("     -/168    0+200000       -/1", KernelPage.needs(hopper, "x_f16 <<<(9, 1, 1), (128, 3, 1), 200000>>> x2"));
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
