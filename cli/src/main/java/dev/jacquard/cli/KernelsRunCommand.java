package dev.jacquard.cli;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.Workload;
import dev.jacquard.kernels.WorkloadRun;
import dev.jacquard.tensor.DType;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard kernels run}. */
@Command(name = "run", description = "Runs workloads and prints their launches, the first of their results, and the time, which on the emulator says nothing about a GPU.",
        sortOptions = false)
final class KernelsRunCommand implements Callable<Integer> {
    @Mixin
    private CudaOptions cuda;

    @Option(names = "--batch", paramLabel = "N", description = "Images of a batch. Default: ${DEFAULT-VALUE}")
    private long batch = 1;

    @Option(names = "--seed", paramLabel = "N", description = "Of the operands' values. Default: ${DEFAULT-VALUE}")
    private long seed = 1;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        var types = cuda.dtypes();
        var workloads = cuda.workloads(batch);
        try (CudaBackend backend = cuda.open()) {
            out.println(backend.description());
            for (Workload w : workloads) {
                for (DType t : types) {
                    run(backend, w, t, out);
                }
            }
        }
        return Main.DONE;
    }

    private void run(CudaBackend backend, Workload w, DType dtype, PrintWriter out) {
        Optional<WorkloadRun> bound = WorkloadRun.of(backend, w, dtype, seed);
        if (bound.isEmpty()) {
            out.printf("%s %s: no kernel%n", w.sample(), dtype);
            return;
        }
        try (WorkloadRun run = bound.get()) {
            long start = System.nanoTime();
            run.run();
            out.printf(Locale.ROOT, "%s %s: %.3f ms%n", w.sample(), dtype, (System.nanoTime() - start) / 1e6);
            run.launches().forEach(l -> out.println("    " + l));
            run.summary().forEach(o -> out.println("    " + o));
            out.flush();
        }
    }
}
