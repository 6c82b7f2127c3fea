package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class BundleScriptTest {
    @Test
    void aBundleStartsTheJvmAsTheCheckoutDoes() throws IOException {
        Path launcher = Path.of("jacquard");
        while (!Files.isRegularFile(launcher)) {
            launcher = Path.of("..").resolve(launcher);
        }
        assertTrue(Files.readString(launcher).contains("flags='" + Bundle.FLAGS + "'"), "the flags of ./jacquard and of Bundle differ");
        assertTrue(Bundle.script().contains("flags='" + Bundle.FLAGS + "'"));
        assertFalse(Bundle.script().contains("@FLAGS@"), "a placeholder is left");
    }
}
