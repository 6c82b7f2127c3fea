package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import jcuda.jcublas.cublasStatus;

/** What cublasStatus_t numbers mean; cuBLAS and cuBLASLt share them. */
final class CublasErrors {
    static final int NOT_SUPPORTED = cublasStatus.CUBLAS_STATUS_NOT_SUPPORTED;

    private CublasErrors() {}

    /** Does nothing on success. @throws DriverException of kind LIBRARY otherwise */
    static void check(String call, int status) {
        if (status != 0) {
            throw new DriverException(Kind.LIBRARY, call + ": " + name(status) + " (" + status + ")" + hint(status));
        }
    }

    /** {@code CUBLAS_STATUS_NOT_SUPPORTED}. */
    static String name(int status) {
        String name = cublasStatus.stringFor(status);
        return name.startsWith("CUBLAS_") ? name : "cuBLAS error";
    }

    private static String hint(int status) {
        return switch (status) {
            case cublasStatus.CUBLAS_STATUS_NOT_INITIALIZED -> "; the library did not start: another process may have all memory of the device, or the driver is older than "
                    + "the library";
            case cublasStatus.CUBLAS_STATUS_ARCH_MISMATCH -> "; this build of the library is not for this device";
            case cublasStatus.CUBLAS_STATUS_EXECUTION_FAILED -> "; a kernel launched earlier may be the cause";
            default -> "";
        };
    }
}
