package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import jcuda.driver.CUresult;

/** What the driver's error numbers (CUresult) mean to us. */
final class CudaErrors {
    static final int UNKNOWN = 999;

    private CudaErrors() {}

    /** The failure of a call. @param detail what is known about it, may be empty */
    static DriverException of(String call, int code, String detail) {
        Kind kind = kind(code);
        String hint = hint(code);
        return new DriverException(kind, call + ": " + name(code) + " (" + code + ")" + (detail.isEmpty() ? "" : ": " + detail) + (hint.isEmpty() ? "" : "; " + hint));
    }

    /** Kind of an error by what a caller can do about it. */
    static Kind kind(int code) {
        return switch (code) {
            // Stub library, device busy, no device, bad ordinal, not licensed, no JIT compiler, JIT switched off, fabric or MPS not up, kernel module of another version.
            case 34, 46, 100, 101, 102, 221, 223, 303, 802, 803, 804, 805, 806, 807, 808, 809 -> Kind.UNAVAILABLE;
            case 2 -> Kind.OUT_OF_MEMORY;
            case 200, 218, 300 -> Kind.INVALID_PTX;
            case 36, 209, 222 -> Kind.TOO_OLD;
            case 301, 302, 500 -> Kind.NOT_FOUND;
            // Illegal address, time limit, assertion, stack, instruction, alignment, address space, program counter, "launch failed", tensor memory.
            case 700, 702, 710, 714, 715, 716, 717, 718, 719, 721 -> Kind.KERNEL_FAULT;
            // ECC, NVLink, contained memory error, context destroyed, MPS client ended, external device.
            case 214, 220, 226, 709, 810, 911 -> Kind.DEVICE_LOST;
            default -> Kind.OTHER;
        };
    }

    /** {@code CUDA_ERROR_OUT_OF_MEMORY}; errors younger than this code have no name here. */
    static String name(int code) {
        return switch (code) {
            // Those that JCuda does not know.
            case 36 -> "CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER";
            case 226 -> "CUDA_ERROR_CONTAINED";
            case 721 -> "CUDA_ERROR_TENSOR_MEMORY_LEAK";
            default -> {
                String name = CUresult.stringFor(code);
                yield name.startsWith("CUDA_") ? name : "CUDA error";
            }
        };
    }

    /** What to do, where the number says so; else empty. */
    static String hint(int code) {
        return switch (code) {
            case 34 -> "this libcuda.so.1 is the stub for linking: take its folder off the library path";
            case 36 -> "update the NVIDIA driver";
            case 46 -> "another process has the device for itself, see nvidia-smi";
            case 100 -> "no NVIDIA device is visible: look at nvidia-smi and CUDA_VISIBLE_DEVICES; in a container, start it with --gpus all";
            case 209, 222 -> "the driver or the device is older than the kernel's text: update the NVIDIA driver";
            case 221 -> "libnvidia-ptxjitcompiler.so of the driver is missing: in a container, let NVIDIA_DRIVER_CAPABILITIES include compute,utility";
            case 223 -> "unset CUDA_DISABLE_PTX_JIT";
            case 700, 714, 715, 716, 717, 718, 719, 721 -> "a kernel launched earlier may be the cause: CUDA_LAUNCH_BLOCKING=1 makes its own launch fail, the emulator names the "
                    + "instruction; the process must be restarted";
            case 702 -> "a kernel ran longer than the display's watchdog allows; the process must be restarted";
            case 214, 220, 226 -> "the hardware reports a fault: look at nvidia-smi and the system's log for Xid";
            case 802 -> "the NVSwitch fabric is not up: start nvidia-fabricmanager";
            case 803 -> "libcuda.so.1 and the kernel module are of different versions: reboot after a driver update";
            case 804 -> "take the CUDA forward-compatibility libraries off the library path";
            case 304, UNKNOWN -> "look at nvidia-smi and the system's log; after a suspend, reload the module nvidia_uvm";
            default -> "";
        };
    }
}
