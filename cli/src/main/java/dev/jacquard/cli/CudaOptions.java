package dev.jacquard.cli;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.KernelBench;
import dev.jacquard.kernels.Workload;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.BackendOptions;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What the commands that launch kernels have in common. */
final class CudaOptions {
    private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);

    @Parameters(paramLabel = "TEXT", arity = "0..1", defaultValue = "", description = "Workloads whose module or op contains this. Default: all")
    String text;

    @Option(names = "--device", paramLabel = "emulator|cuda", description = "Default: ${DEFAULT-VALUE}")
    String device = "emulator";

    @Option(names = "--dtype", paramLabel = "f32|f16|bf16", description = "Only this element type. Default: all three")
    private String dtype;

    /** A CUDA backend, real or emulated, with our own kernels as the rules choose them; what is to use TF32 says so itself. @throws CallerException if the device is another */
    CudaBackend open() {
        return DeviceOptions.cuda(DeviceOptions.open(device, BackendOptions.DEFAULT.tf32(BackendOptions.Tf32.OFF).libraries(false).autotune(BackendOptions.Autotune.OFF)));
    }

    /** The types asked for. */
    List<DType> dtypes() {
        if (dtype == null) {
            return TYPES;
        }
        return List.of(TYPES.stream().filter(t -> t.toString().equals(dtype.toLowerCase(Locale.ROOT))).findFirst()
                .orElseThrow(() -> new CallerException("--dtype", "no such type", dtype, "f32, f16 or bf16", "choose one of these")));
    }

    /** The workloads asked for. @param batch images per batch @throws CallerException if there is none */
    List<Workload> workloads(long batch) {
        if (batch < 1 || batch > 4096) {
            throw new CallerException("--batch", "out of range", Long.toString(batch), "1 to 4096", "give another value");
        }
        List<Workload> found = KernelBench.workloads(batch, text);
        if (found.isEmpty()) {
            throw new CallerException("kernels", "no such workload", text, "part of the name of a module or an op", "./jacquard kernels list names the modules");
        }
        return found;
    }
}
