package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.Workload;
import dev.jacquard.kernels.WorkloadRun;
import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.catalog.Contract;
import dev.jacquard.kernels.catalog.KernelRow;
import dev.jacquard.kernels.catalog.Occupancy;
import dev.jacquard.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The page docs/kernels.md: every kernel's workloads, counted on the emulator. */
public final class KernelPage {
    /** Images of a batch: enough for more than one block, few enough to emulate. */
    public static final long BATCH = 1;

    private static final List<String> DEVICES = List.of("sm_80", "sm_90a");
    private static final Pattern SHAPE = Pattern.compile("<<<\\([^)]*\\), \\((\\d+), (\\d+), (\\d+)\\), (\\d+)>>>");
    private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);

    /** A page. @param text in Markdown @param excess limits that are passed without a reason in the contract */
    public record Page(String text, List<String> excess) {}

    private KernelPage() {}

    /** Counts every workload in every type; some at a time, each on a device of its own. */
    public static Page make() {
        List<Workload> workloads = CudaBackend.workloads(BATCH);
        List<List<KernelCounts>> counts = IntStream.range(0, workloads.size()).parallel().mapToObj(i -> count(workloads.get(i))).toList();
        Map<String, KernelRow> kernels = Catalog.kernels().stream().collect(Collectors.toMap(KernelRow::symbol, Function.identity()));
        StringBuilder text = new StringBuilder(INTRODUCTION);
        List<String> excess = new ArrayList<>();
        for (String module : Catalog.modules()) {
            Contract contract = Catalog.contract(module);
            List<KernelCounts> of = counts.stream().flatMap(List::stream).filter(c -> c.workload().module().equals(module)).toList();
            module(text, contract, kernels, of);
            of.forEach(c -> excess.addAll(c.excess(contract)));
            if (of.isEmpty()) {
                excess.add(module + ".cu: no workload uses it: add one to its family's workloads()");
            }
        }
        return new Page(text.toString(), excess);
    }

    private static List<KernelCounts> count(Workload w) {
        EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.unchecked().counting(true));
        try (CudaBackend backend = new CudaBackend("emulator", driver, false)) {
            Stream<DType> types = WorkloadRun.isUntyped(w) ? Stream.of(DType.F32) : TYPES.stream();
            return types.flatMap(t -> KernelCounts.of(driver, backend, w, t).stream()).toList();
        }
    }

    private static void module(StringBuilder text, Contract c, Map<String, KernelRow> kernels, List<KernelCounts> counts) {
        text.append("\n## ").append(c.module()).append("\n\n").append(c.summary()).append("\n\n").append(c.field("Roofline").orElse("")).append("\n");
        for (String field : Contract.OPTIONAL) {
            c.field(field).ifPresent(why -> text.append("\n").append(field).append(": ").append(why).append("\n"));
        }
        text.append("\n```\n").append(HEADER).append(NEEDS_HEADER).append("\n");
        String op = "";
        for (KernelCounts k : counts) {
            if (!op.equals(k.workload().sample().toString())) {
                op = k.workload().sample().toString();
                text.append(op).append("\n");
            }
            text.append(row(k)).append(needs(kernels.get(k.stats().kernel()), k.launch())).append("\n");
        }
        text.append("```\n");
    }

    /** The columns of {@link #row}. */
    public static final String HEADER = String.format("  %-58s %11s %6s %11s %6s %6s %7s %9s %7s %6s %9s %12s", "launch", "read", "of", "written", "of", "reuse", "sectors",
            "of ideal", "shared", "confl.", "divergent", "instructions");

    /** The columns that the page has behind those. */
    private static final String NEEDS_HEADER = String.format(" %9s %11s %9s", "registers", "smem", "blocks/SM");

    /** A kernel's counts as a line. */
    public static String row(KernelCounts k) {
        LaunchStats s = k.stats();
        long sectors = s.loads().sectors() + s.stores().sectors();
        return String.format(Locale.ROOT, "  %-58s %11d %6s %11d %6s %6.2f %7d %9.3f %7d %6d %9d %12d", k.launch() + (s.launches() > 1 ? " x" + s.launches() : ""), s.bytesRead(),
                ratio(s.bytesRead(), k.promisedRead()), s.bytesWritten(), ratio(s.bytesWritten(), k.promisedWrite()), k.reuse(), sectors, k.sectorRatio(), s.sharedRequests(),
                s.bankConflicts(), s.divergentBranches(), s.allInstructions());
    }

    /** What a launch takes of a multiprocessor: registers of a thread, static and dynamic shared memory of a block, and how many blocks fit; sm_80's figure, then sm_90a's. */
    static String needs(KernelRow kernel, String launch) {
        Matcher shape = SHAPE.matcher(launch);
        if (kernel == null || !shape.find()) {
            return "";
        }
        int threads = Integer.parseInt(shape.group(1)) * Integer.parseInt(shape.group(2)) * Integer.parseInt(shape.group(3));
        int dynamic = Integer.parseInt(shape.group(4));
        StringJoiner registers = new StringJoiner("/");
        StringJoiner blocks = new StringJoiner("/");
        int fixed = 0;
        for (String device : DEVICES) {
            KernelRow.Needs n = kernel.needs().get(device);
            registers.add(n == null ? "-" : Integer.toString(n.registers()));
            blocks.add(n == null ? "-" : Integer.toString(Occupancy.of(device, threads, n.registers(), n.shared() + dynamic).blocks()));
            fixed = n == null ? fixed : n.shared();
        }
        return String.format(Locale.ROOT, " %9s %11s %9s", registers, fixed + "+" + dynamic, blocks);
    }

    private static String ratio(long bytes, double promised) {
        return promised == 0 ? bytes == 0 ? "-" : "?" : String.format(Locale.ROOT, "%.3f", bytes / promised);
    }

    private static final String INTRODUCTION = """
            # The CUDA kernels, counted

            Made by KernelPageTest on the emulator, which executes the committed PTX; `-Dupdate` makes it anew. Nothing here is a time, and no GPU was asked: these are counts that hold for any.
            Every workload of every kernel at batch %d, in each element type.

            - *read*, *written*: different bytes of global memory that the launch touched; *of*: over what the contract's Traffic line promises. At most %.2f together for memory-bound kernels.
            - *reuse*: bytes that warps asked for over the different ones: what caches have to serve.
            - *sectors*: 32-byte sectors that warps touched, request by request; *of ideal*: over the fewest that hold the bytes. At most %.1f for memory-bound kernels.
            - *shared*: warps' requests of shared memory; *confl.*: passes over the banks beyond what their widths need. None, or the contract says why.
            - *divergent*: branches that parted a warp. *instructions*: of warps.
            - *registers* of a thread and *blocks/SM*, how many blocks a multiprocessor holds at once: on sm_80 and sm_90a, by what ptxas says. *smem*: static and dynamic shared memory of a block, bytes.
            """.formatted(BATCH, KernelCounts.MOST_BYTES, KernelCounts.MOST_SECTORS);
}
