package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DeviceInfo;

/**
 * What kernels are chosen for.
 *
 * @param device its capability, multiprocessors, shared memory
 * @param tf32 whether products of F32 operands may round them to TF32 (10 bits of mantissa), if the device can; sums stay in F32
 */
record Target(DeviceInfo device, boolean tf32) {
    /** Whether it has mma.sync on F16, BF16, TF32 and I8, and cp.async. */
    boolean tensorCores() {
        return device.capability() >= 80;
    }

    /** Whether it has wgmma and TMA; sm_90a's, which later devices lack. */
    boolean hopper() {
        return device.capability() == 90;
    }
}
