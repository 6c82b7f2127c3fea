package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.io.IOException;

/** Launches kernels of src/test/cuda that must fault, at their line {@code // here}. */
final class TensorFaults {
    private TensorFaults() {}

    /** As the next, of tensor.cu. */
    static void caught(Rig rig, String kernel, int threads, int shared, String thread, String expected, Object... values) throws IOException {
        caughtIn("tensor.cu", rig, kernel, threads, shared, thread, expected, values);
    }

    /** Launches one block; the message must name the kernel, its line and the thread, and hold what is expected. */
    static void caughtIn(String file, Rig rig, String kernel, int threads, int shared, String thread, String expected, Object... values) throws IOException {
        DriverException e = assertThrows(DriverException.class, () -> rig.launch(kernel, 1, threads, shared, values));
        String message = e.getMessage();
        assertEquals(Kind.KERNEL_FAULT, e.kind(), message);
        assertTrue(message.startsWith("kernel " + kernel + ", block (0,0,0), thread " + thread + ": "), message);
        assertTrue(message.contains(file + ":" + FaultsTest.line(file, kernel)), message);
        assertTrue(message.contains(expected), () -> expected + " is not in: " + message);
    }
}
