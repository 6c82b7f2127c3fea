package dev.jacquard.kernels.driver;

/**
 * A device's properties.
 *
 * @param name as the driver says it
 * @param major compute capability's first number
 * @param minor compute capability's second number
 * @param multiprocessors number of SMs
 * @param memoryBytes all of its memory
 * @param sharedBytesPerBlock shared memory that a block may opt in to
 * @param driverVersion CUDA version of the driver, 1000 major + 10 minor
 */
public record DeviceInfo(String name, int major, int minor, int multiprocessors, long memoryBytes, int sharedBytesPerBlock, int driverVersion) {
    /** Compute capability as one number: 90 for 9.0. */
    public int capability() {
        return 10 * major + minor;
    }

    /** {@code NVIDIA H200, sm_90, 132 SMs, 139.8 GiB, driver for CUDA 13.0}. */
    @Override
    public String toString() {
        return "%s, sm_%d, %d SMs, %.1f GiB, driver for CUDA %d.%d".formatted(name, capability(), multiprocessors, memoryBytes / (double) (1L << 30), driverVersion / 1000,
                driverVersion % 1000 / 10);
    }
}
