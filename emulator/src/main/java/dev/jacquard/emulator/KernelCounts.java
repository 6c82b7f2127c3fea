package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.Workload;
import dev.jacquard.kernels.WorkloadRun;
import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.catalog.Contract;
import dev.jacquard.kernels.catalog.Traffic;
import dev.jacquard.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a kernel of a workload did on the emulator, next to what its contract promises.
 *
 * @param workload op and operands
 * @param dtype floating type of the operands
 * @param launch symbol, grid, block and dynamic shared memory of the first launch
 * @param stats what was counted, over all launches of the kernel in the workload
 * @param promisedRead bytes by the contract's Traffic line, for as many launches
 * @param promisedWrite bytes by the contract's Traffic line, for as many launches
 */
public record KernelCounts(Workload workload, DType dtype, String launch, LaunchStats stats, double promisedRead, double promisedWrite) {
    /** Bytes moved over bytes promised. */
    public static final double MOST_BYTES = 1.05;

    /** Sectors touched over the fewest that would do. */
    public static final double MOST_SECTORS = 1.1;

    /**
     * Runs a workload once and counts.
     *
     * @param driver the emulator, counting
     * @param backend on that driver
     * @return an entry per kernel; empty if the backend has no kernel for the op in this type
     * @throws IllegalArgumentException if a Traffic line or a size is missing
     */
    public static List<KernelCounts> of(EmulatorDriver driver, CudaBackend backend, Workload workload, DType dtype) {
        Optional<WorkloadRun> bound = WorkloadRun.of(backend, workload, dtype, 1);
        if (bound.isEmpty()) {
            return List.of();
        }
        List<Traffic> lines = Catalog.contract(workload.module()).traffic();
        List<KernelCounts> all = new ArrayList<>();
        try (WorkloadRun run = bound.get()) {
            driver.takeStats();
            run.run();
            for (LaunchStats s : LaunchStats.byKernel(driver.takeStats())) {
                Traffic t = Traffic.of(lines, s.kernel()).or(() -> ofAnyModule(s.kernel()))
                        .orElseThrow(() -> new IllegalArgumentException(workload.module() + ".cu: no Traffic line for " + s.kernel()));
                String launch = run.launches().stream().filter(l -> l.startsWith(s.kernel() + " ")).findFirst().orElse(s.kernel());
                all.add(new KernelCounts(workload, dtype, launch, s, s.launches() * t.readBytes(workload.sizes(), dtype.bytes()),
                        s.launches() * t.writeBytes(workload.sizes(), dtype.bytes())));
            }
        }
        return all;
    }

    /** A workload may use a kernel of another family, such as a sum of partial results. */
    private static Optional<Traffic> ofAnyModule(String kernel) {
        return Catalog.kernels().stream().filter(k -> k.symbol().equals(kernel)).findFirst().flatMap(k -> Traffic.of(Catalog.contract(k.module()).traffic(), kernel));
    }

    /** Bytes read and written, each counted once per launch, over what the contract promises. */
    public double bytesRatio() {
        double promised = promisedRead + promisedWrite;
        return promised == 0 ? 1 : (stats.bytesRead() + stats.bytesWritten()) / promised;
    }

    /** Bytes that warps asked for over the different ones among them: how much the caches have to serve. */
    public double reuse() {
        double moved = stats.bytesRead() + stats.bytesWritten();
        return moved == 0 ? 1 : (stats.loads().bytes() + stats.stores().bytes()) / moved;
    }

    /** Sectors that warps touched over the fewest that hold the bytes they asked for. */
    public double sectorRatio() {
        return stats.loads().plus(stats.stores()).sectorRatio();
    }

    /** Limits that are passed without the contract saying why; each with the field that would say it. */
    public List<String> excess(Contract contract) {
        List<String> wrong = new ArrayList<>();
        boolean memoryBound = contract.field("Roofline").orElse("").startsWith("memory bound");
        if (memoryBound && !(bytesRatio() <= MOST_BYTES) && !contract.fields().containsKey("Bytes")) {
            wrong.add(String.format(Locale.ROOT, "moves %.3f times its Traffic (%d read of %.0f, %d written of %.0f): fix it or the Traffic line, or say in a field Bytes why",
                    bytesRatio(), stats.bytesRead(), promisedRead, stats.bytesWritten(), promisedWrite));
        }
        if (memoryBound && !(sectorRatio() <= MOST_SECTORS) && !contract.fields().containsKey("Sectors")) {
            wrong.add(String.format(Locale.ROOT, "touches %.2f times the sectors it needs (loads %.2f, stores %.2f): fix it, or say in a field Sectors why", sectorRatio(),
                    stats.loads().sectorRatio(), stats.stores().sectorRatio()));
        }
        if (stats.bankConflicts() > 0 && !contract.fields().containsKey("Conflicts")) {
            wrong.add(String.format(Locale.ROOT, "%d bank conflicts in %d requests: fix it, or say in a field Conflicts why", stats.bankConflicts(), stats.sharedRequests()));
        }
        return wrong.stream().map(w -> launch + " of " + workload.sample() + " " + dtype + ": " + w).toList();
    }
}
