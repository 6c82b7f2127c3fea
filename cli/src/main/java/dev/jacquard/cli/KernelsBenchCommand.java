package dev.jacquard.cli;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.KernelBench;
import dev.jacquard.kernels.Workload;
import dev.jacquard.kernels.WorkloadRun;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard kernels bench}. */
@Command(name = "bench", description = "Times workloads on a GPU against its own copy of equal traffic, with the cache filled with other memory before each; medians. On the "
        + "emulator the times mean nothing.", sortOptions = false)
final class KernelsBenchCommand implements Callable<Integer> {
    @Mixin
    private CudaOptions cuda;

    @Option(names = "--batch", paramLabel = "N", description = "Images of a batch. Default: ${DEFAULT-VALUE}")
    private long batch = 128;

    @Option(names = "--repeats", paramLabel = "N", description = "Launches of which the median counts. Default: ${DEFAULT-VALUE}")
    private int repeats = KernelBench.Settings.STANDARD.repeats();

    @Option(names = "--flush", paramLabel = "MIB", description = "Memory to read before each launch. Default: ${DEFAULT-VALUE}")
    private long flush = KernelBench.Settings.STANDARD.flushBytes() >> 20;

    @Option(names = "--budget", paramLabel = "SECONDS", description = "Nothing is begun later; workloads of one candidate among several, which compare measures, come last. "
            + "Default: none")
    private double budget = Double.POSITIVE_INFINITY;

    @Option(names = "--csv", paramLabel = "FILE", description = "Write the rows there, too; the file must not exist.")
    private Path csv;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (repeats < 1 || flush < 1 || !(budget > 0)) {
            throw new CallerException("--repeats, --flush and --budget", "out of range", repeats + ", " + flush + " and " + budget, "1 or more, 1 or more, above 0",
                    "give other values");
        }
        if (csv != null && Files.exists(csv)) {
            throw new CallerException("--csv", "exists already", csv.toString(), "a new file", "remove it, or name another");
        }
        PrintWriter out = spec.commandLine().getOut();
        List<DType> types = cuda.dtypes();
        List<Workload> workloads = cuda.workloads(batch).stream().sorted(Comparator.comparing(w -> w.way().isPresent())).toList(); // stable
        long start = System.nanoTime();
        int left = 0;
        List<String> lines = new ArrayList<>(List.of("device,batch," + KernelBench.Row.HEADER));
        try (CudaBackend backend = cuda.open(); KernelBench bench = new KernelBench(backend, new KernelBench.Settings(repeats, flush << 20))) {
            if (backend.name().equals("emulator")) {
                out.println("emulated: these times are the emulator's own and say nothing about a GPU");
            }
            out.printf("%s, batch %d%n%-60s %-5s %10s %9s %8s%n", backend.description(), batch, "op", "type", "us", "GB/s", "of copy");
            for (Workload w : workloads) {
                if ((System.nanoTime() - start) / 1e9 > budget) {
                    left++;
                    continue;
                }
                for (DType t : WorkloadRun.isUntyped(w) ? types.subList(0, 1) : types) {
                    Optional<KernelBench.Row> row = bench.measure(w, t);
                    row.ifPresent(r -> {
                        out.printf(Locale.ROOT, "%-60s %-5s %10.2f %9.1f %6.1f %%%n", r.op(), r.dtype(), r.us(), r.bytes() / r.us() / 1e3, 100 * r.copyUs() / r.us());
                        out.flush();
                        lines.add("\"" + backend.description() + "\"," + batch + "," + r.csv());
                    });
                }
            }
            if (left > 0) {
                out.printf("the budget is spent: %d of %d workloads are left out%n", left, workloads.size());
            }
        }
        if (csv != null) {
            try {
                Files.write(csv, lines);
            } catch (IOException e) {
                throw new CallerException("--csv", "cannot be written", e.toString(), "a writable file", "name another", e);
            }
        }
        return Main.DONE;
    }
}
