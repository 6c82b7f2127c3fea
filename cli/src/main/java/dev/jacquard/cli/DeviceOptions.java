package dev.jacquard.cli;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendOptions.CpuKernels;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.backend.BackendProvider;
import dev.jacquard.tensor.backend.Backends;
import java.util.List;
import picocli.CommandLine.Option;

/** The flags that choose where to compute. */
final class DeviceOptions {
    @Option(names = "--device", paramLabel = "auto|cpu|cuda[:N]", description = "Where to compute; auto takes the best there is. Default: auto")
    String device;

    @Option(names = "--threads", paramLabel = "N", description = "Threads of the CPU backend. Default: one per processor")
    Integer threads;

    @Option(names = "--tf32", paramLabel = "on|off|emulate", arity = "0..1", fallbackValue = "on",
            description = "Products of F32 round their operands to 10 bits of mantissa: on where the device has "
            + "such, off nowhere, emulate everywhere. Default: on; of selftest off")
    private String tf32;

    @Option(names = "--libs", paramLabel = "on|off", description = "Whether cuBLAS and cuDNN may compute where they are installed. Default: on")
    String libraries = "on";

    @Option(names = "--autotune", paramLabel = "on|off|file", description =
            "How one of several kernels is chosen: on times them once and remembers the fastest, file takes what is remembered, "
            + "off goes by rule. Default: on for a GPU")
    String autotune;

    @Option(names = "--cpu-kernels", paramLabel = "auto|emitted|avx2|vector|scalar",
            description = "What the CPU backend computes with: code emitted for this processor, the same for AVX2 only, the "
            + "JDK's Vector API, or plain Java. Default: the first that runs here; doctor says which, and why")
    private String cpuKernels;

    Backend open() {
        return open(BackendOptions.DEFAULT);
    }

    /** Opens it. @param usual what holds where nothing is said */
    Backend open(BackendOptions usual) {
        return open(device == null ? "auto" : device, options(usual));
    }

    /** Checks the values, for who may not open a device. @throws CallerException that names the flag */
    void check() {
        options(BackendOptions.DEFAULT);
    }

    private BackendOptions options(BackendOptions usual) {
        boolean libs = switch (libraries) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new CallerException("--libs", "no such value", libraries, "on or off", "choose one of these");
        };
        Autotune how = autotune == null ? usual.autotune() : switch (autotune) {
            case "on" -> Autotune.ON;
            case "off" -> Autotune.OFF;
            case "file" -> Autotune.FILE;
            default -> throw new CallerException("--autotune", "no such value", autotune, "on, off or file", "choose one of these");
        };
        return new BackendOptions(threads == null ? usual.threads() : threads, tf32(usual.tf32()), libs, how, cpuKernels(usual.cpuKernels()));
    }

    private CpuKernels cpuKernels(CpuKernels usual) {
        return cpuKernels == null ? usual : switch (cpuKernels) {
            case "auto" -> CpuKernels.AUTO;
            case "emitted" -> CpuKernels.EMITTED;
            case "avx2" -> CpuKernels.AVX2;
            case "vector" -> CpuKernels.VECTOR;
            case "scalar" -> CpuKernels.SCALAR;
            default -> throw new CallerException("--cpu-kernels", "no such value", cpuKernels, "auto, emitted, avx2, vector or scalar", "choose one of these");
        };
    }

    /** What is said about TF32. @param usual if nothing is @throws CallerException if it is another word */
    Tf32 tf32(Tf32 usual) {
        return tf32 == null ? usual : switch (tf32) {
            case "on" -> Tf32.ON;
            case "off" -> Tf32.OFF;
            case "emulate" -> Tf32.EMULATE;
            default -> throw new CallerException("--tf32", "no such value", tf32, "on, off or emulate", "choose one of these, or put --tf32 at the end for on");
        };
    }

    static Backend open(String device, int threads) {
        return open(device, BackendOptions.DEFAULT.threads(threads));
    }

    static Backend open(String device, BackendOptions options) {
        List<String> names = Backends.providers().stream().map(BackendProvider::name).toList();
        String name = device.replaceFirst(":.*", "");
        if (!device.equals("auto") && !names.contains(name)) {
            boolean cuda = name.equals("cuda");
            throw new DeviceException("--device " + device, cuda ? "this build has no CUDA backend" : "no such device", device, "auto or " + String.join(", ", names),
                    "choose one of these; ./jacquard doctor says what this machine has");
        }
        return Backends.open(device, options);
    }

    /** A backend with CUDA kernels, real or emulated. @throws CallerException if it is another; it is closed then */
    static CudaBackend cuda(Backend b) {
        if (b instanceof CudaBackend c) {
            return c;
        }
        b.close();
        throw new CallerException("--device", "has no CUDA kernels", b.name(), "cuda or emulator", "choose one of these");
    }
}
