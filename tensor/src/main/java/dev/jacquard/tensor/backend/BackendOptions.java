package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.CallerException;

/**
 * How a device is to be opened. Each backend takes what concerns it and leaves the rest alone: what is said here changes how fast it computes, and with {@link #tf32} how exactly,
 * never what.
 *
 * @param threads worker threads of backends that run on the host; 0 for one per processor
 * @param tf32 whether products and convolutions of F32 operands round these to 10 bits of mantissa; sums stay in F32
 * @param libraries whether the vendor's libraries may compute where they are installed
 * @param autotune how one of several kernels for an op is chosen; {@link Autotune#DEFAULT} for the device's own way
 * @param cpuKernels which of its implementations the CPU backend computes with
 */
public record BackendOptions(int threads, Tf32 tf32, boolean libraries, Autotune autotune, CpuKernels cpuKernels) {
    /** One thread per processor, TF32 and libraries where they are, the device's own way to choose, the best kernels that run here. */
    public static final BackendOptions DEFAULT = new BackendOptions(0, Tf32.ON, true, Autotune.DEFAULT, CpuKernels.AUTO);

    /** In which numbers products and convolutions of F32 operands are computed. Others are never touched. */
    public enum Tf32 {
        /**
         * TF32 may be used where the device has kernels for it, on GPUs of compute capability 8.0 or later; elsewhere they are those of F32. What PyTorch's cuDNN and TensorFlow do
         * by default.
         */
        ON,
        /** F32 everywhere. */
        OFF,
        /** As {@link #ON}; a device without TF32 is given graphs that round the operands, so that TF32's numerics can be seen anywhere. */
        EMULATE
    }

    /** How one of several kernels for an op and shapes is chosen. */
    public enum Autotune {
        /** {@link #ON} where times mean something, {@link #OFF} on an emulated device. */
        DEFAULT,
        /** By rule, from shapes and the device's properties. */
        OFF,
        /** What was measured before and is in the file of choices; else all are timed when the op is planned, and the fastest is remembered there. */
        ON,
        /** What is in the file of choices; else by rule. Nothing is timed, nothing written. */
        FILE
    }

    /** With which implementation of its kernels the CPU backend computes. Results differ within the tolerance table. */
    public enum CpuKernels {
        /** The first of the others that runs on this machine and JVM; or what the system property {@code jacquard.cpu.kernels} says. */
        AUTO,
        /** Machine code that is emitted for this processor, for AVX-512 or else for AVX2; refused where neither runs. */
        EMITTED,
        /** The same for AVX2. */
        AVX2,
        /** The JDK's Vector API; refused where the JVM has it not. */
        VECTOR,
        /** Plain Java: everywhere, many times slower. */
        SCALAR
    }

    /** Checks the range. @throws CallerException if the threads are out of range */
    public BackendOptions {
        if (threads < 0 || threads > 1024) {
            throw new CallerException("--threads", "out of range", Integer.toString(threads), "1 to 1024, or 0 for one per processor", "give another value");
        }
    }

    /** The same with another number of threads. */
    public BackendOptions threads(int n) {
        return new BackendOptions(n, tf32, libraries, autotune, cpuKernels);
    }

    /** The same with another say about TF32. */
    public BackendOptions tf32(Tf32 how) {
        return new BackendOptions(threads, how, libraries, autotune, cpuKernels);
    }

    /** The same with or without libraries. */
    public BackendOptions libraries(boolean on) {
        return new BackendOptions(threads, tf32, on, autotune, cpuKernels);
    }

    /** The same with another way to choose. */
    public BackendOptions autotune(Autotune how) {
        return new BackendOptions(threads, tf32, libraries, how, cpuKernels);
    }

    /** The same with another implementation on the CPU. */
    public BackendOptions cpuKernels(CpuKernels which) {
        return new BackendOptions(threads, tf32, libraries, autotune, which);
    }
}
