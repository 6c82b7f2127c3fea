package dev.jacquard.kernels.nvidia;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CudaErrorsTest {
    @Test
    void everyNumberThatWeKnowIsAnErrorOfTheDriver() {
        Set<Integer> nameless = new TreeSet<>();
        IntStream.rangeClosed(1, 999).filter(c -> CudaErrors.kind(c) != Kind.OTHER || !CudaErrors.hint(c).isEmpty()).filter(c -> !CudaErrors.name(c).startsWith("CUDA_ERROR_"))
                .forEach(nameless::add);
        assertEquals(Set.of(), nameless);
    }

    @Test
    void kindsFollowTheNames() {
        Map<String, Kind> expected = Map.of("CUDA_ERROR_OUT_OF_MEMORY", Kind.OUT_OF_MEMORY, "CUDA_ERROR_NO_DEVICE", Kind.UNAVAILABLE, "CUDA_ERROR_INVALID_PTX", Kind.INVALID_PTX,
                "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", Kind.TOO_OLD, "CUDA_ERROR_NO_BINARY_FOR_GPU", Kind.TOO_OLD, "CUDA_ERROR_NOT_FOUND", Kind.NOT_FOUND,
                "CUDA_ERROR_ILLEGAL_ADDRESS", Kind.KERNEL_FAULT, "CUDA_ERROR_MISALIGNED_ADDRESS", Kind.KERNEL_FAULT, "CUDA_ERROR_LAUNCH_FAILED", Kind.KERNEL_FAULT,
                "CUDA_ERROR_ECC_UNCORRECTABLE", Kind.DEVICE_LOST);
        for (int c = 1; c < 1000; c++) {
            Kind kind = expected.get(CudaErrors.name(c));
            assertTrue(kind == null || kind == CudaErrors.kind(c), CudaErrors.name(c) + " is " + CudaErrors.kind(c));
        }
        // A launch that asks for too much, or a call that is not ready, leaves the context as it was.
        assertEquals(Kind.OTHER, CudaErrors.kind(701));
        assertEquals(Kind.OTHER, CudaErrors.kind(600));
    }

    @Test
    void theMessageHasCallNameNumberDetailAndWhatToDo() {
        DriverException e = CudaErrors.of("cuInit", 100, "device 0");
        assertTrue(e.getMessage().startsWith("cuInit: CUDA_ERROR_NO_DEVICE (100): device 0; no NVIDIA device is visible"), e.getMessage());
        assertEquals("cuNew: CUDA error (4711)", CudaErrors.of("cuNew", 4711, "").getMessage());
    }
}
