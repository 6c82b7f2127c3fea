package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Launches kernels of src/test/cuda/tensor.cu that must fault, at their line {@code // here}. */
final class TensorFaults {
    private TensorFaults() {}

    private static int line(String kernel) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("src/test/cuda/tensor.cu"));
        int at = 0;
        while (!lines.get(at).contains(" " + kernel + "(")) {
            at++;
        }
        while (!lines.get(at).contains("// here")) {
            at++;
        }
        return at + 1;
    }

    /** Launches one block; the message must name the kernel, its line and the thread, and hold what is expected. */
    static void caught(Rig rig, String kernel, int threads, int shared, String thread, String expected, Object... values) throws IOException {
        DriverException e = assertThrows(DriverException.class, () -> rig.launch(kernel, 1, threads, shared, values));
        String message = e.getMessage();
        assertEquals(Kind.KERNEL_FAULT, e.kind(), message);
        assertTrue(message.startsWith("kernel " + kernel + ", block (0,0,0), thread " + thread + ": "), message);
        assertTrue(message.contains("tensor.cu:" + line(kernel)), message);
        assertTrue(message.contains(expected), () -> expected + " is not in: " + message);
    }
}
