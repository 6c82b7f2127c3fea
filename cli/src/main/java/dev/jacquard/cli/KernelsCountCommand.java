package dev.jacquard.cli;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.emulator.EmulatorOptions;
import dev.jacquard.emulator.KernelCounts;
import dev.jacquard.emulator.KernelPage;
import dev.jacquard.emulator.LaunchStats;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.Workload;
import dev.jacquard.kernels.WorkloadRun;
import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard kernels count}. */
@Command(name = "count", description = "Counts on the emulator what workloads move, against their contracts: bytes, sectors, bank conflicts, divergence, instructions. "
        + "docs/kernels.md explains the columns.", sortOptions = false)
final class KernelsCountCommand implements Callable<Integer> {
    @Mixin
    private CudaOptions cuda;

    @Option(names = "--batch", paramLabel = "N", description = "Images of a batch. Default: ${DEFAULT-VALUE}")
    private long batch = KernelPage.BATCH;

    @Option(names = "--instructions", description = "Also the instructions by class.")
    private boolean instructions;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (!cuda.device.equals("emulator")) {
            throw new CallerException("--device", "cannot be counted", cuda.device, "emulator", "use ncu on a GPU; help/profile.md says how");
        }
        List<DType> types = cuda.dtypes();
        List<Workload> workloads = cuda.workloads(batch);
        PrintWriter out = spec.commandLine().getOut();
        List<String> excess = new ArrayList<>();
        EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true));
        try (CudaBackend backend = new CudaBackend("emulator", driver, false)) {
            out.println(KernelPage.HEADER);
            for (Workload w : workloads) {
                out.println(w.sample());
                for (DType t : WorkloadRun.isUntyped(w) ? types.subList(0, 1) : types) {
                    KernelCounts.of(driver, backend, w, t).forEach(k -> {
                        print(out, k);
                        excess.addAll(k.excess(Catalog.contract(w.module())));
                    });
                }
            }
        }
        excess.forEach(out::println);
        return excess.isEmpty() ? Main.DONE : Main.OUR_FAULT;
    }

    private void print(PrintWriter out, KernelCounts k) {
        out.println(KernelPage.row(k));
        if (instructions) {
            for (LaunchStats.Kind kind : LaunchStats.Kind.values()) {
                long n = k.stats().instructions().getOrDefault(kind, 0L);
                out.printf(Locale.ROOT, "      %-10s %12d%n", kind.toString().toLowerCase(Locale.ROOT), n);
            }
        }
        out.flush();
    }
}
