package dev.jacquard.cli;

import dev.jacquard.kernels.CandidateCheck;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.models.SmallNetworks;
import dev.jacquard.tck.Case;
import dev.jacquard.tck.Sweep;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard selftest}: what the tests prove of a backend, on the machine and the device at hand. */
@Command(name = "selftest", description = "Checks a device: every op in every type and layout against double precision, then all ways to compute products and convolutions against "
        + "each other, then a training step of each family in F32, F16 and BF16 against the CPU, and one that overflows.", sortOptions = false)
final class SelftestCommand implements Callable<Integer> {
    /** A quick run takes one case in so many of each op. */
    private static final int QUICK = 8;
    private static final int FAILURES_SHOWN = 10;

    @Mixin
    private DeviceOptions devices;

    @Option(names = "--quick", description = "One case in " + QUICK + " of each op instead of all.")
    private boolean quick;

    @Option(names = "--only", paramLabel = "ops|engines|training", description =
            "Only one of the three parts. engines compares libraries and own kernels; on the emulator, which has no libraries, only if asked for.")
    private String only = "";

    @Option(names = "--case", paramLabel = "TEXT", description = "Only op cases whose name contains this, or matches it with *.")
    private String selected = "";

    @Option(names = "--seed", paramLabel = "N", description = "All values are a function of it. Default: always the same")
    private Long seed;

    @Spec
    private CommandSpec spec;

    private final List<String> failures = new ArrayList<>();

    @Override
    public Integer call() {
        if (!List.of("", "ops", "engines", "training").contains(only)) {
            throw new CallerException("--only", "no such part", only, "ops, engines or training", "choose one of these, or leave it out for all");
        }
        PrintWriter out = spec.commandLine().getOut();
        Tf32 tf32 = devices.tf32(Tf32.OFF); // F32 is to be seen as F32, unless TF32 is what is to be checked
        Tolerance.Table tolerances = tf32 == Tf32.OFF ? Tolerance::of : Tolerance::tf32;
        try (Backend backend = devices.open(BackendOptions.DEFAULT.autotune(Autotune.OFF).tf32(tf32))) { // thousands of small cases do not belong in the file of choices
            out.printf("device %s: %s%n", backend.name(), backend.description());
            boolean lost = (only.isEmpty() || only.equals("ops")) && ops(backend, tolerances, out);
            if (!lost && (only.equals("engines") || only.isEmpty() && backend.name().startsWith("cuda"))) {
                engines(backend, out);
            }
            if (!lost && (only.isEmpty() || only.equals("training"))) {
                training(backend, tolerances, out);
            }
        }
        failures.stream().limit(FAILURES_SHOWN).forEach(out::println);
        if (failures.size() > FAILURES_SHOWN) {
            out.printf("... and %d more%n", failures.size() - FAILURES_SHOWN);
        }
        out.println(failures.isEmpty() ? "selftest passed" : "selftest FAILED: " + failures.size() + " failures");
        return failures.isEmpty() ? Main.DONE : Main.OUR_FAULT;
    }

    /** @return whether the device was lost on the way */
    private boolean ops(Backend backend, Tolerance.Table tolerances, PrintWriter out) {
        SweepTable table = new SweepTable(out, quick ? QUICK : 1);
        table.run(new Sweep(backend, List.of(DType.F32, DType.F16, DType.BF16), seed == null ? Case.seedOfRun() : seed, tolerances), c -> Case.selected(c.name(), selected));
        failures.addAll(table.failures());
        return table.lost();
    }

    private void engines(Backend backend, PrintWriter out) {
        if (!(backend instanceof CudaBackend cuda)) {
            throw new CallerException("--only", "the device has no engines to compare", backend.name(), "cuda or emulator", "choose one of these with --device");
        }
        out.printf(Locale.ROOT, "%-28s %7s %7s %9s   candidates%n", "products and convolutions", "ops", "ways", "wrong");
        for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) {
            CandidateCheck.Outcome o = CandidateCheck.run(cuda, CandidateCheck.samples(quick ? 1 : 2, type));
            out.printf(Locale.ROOT, "%-28s %7d %7d %9d   %s%n", type, o.ops(), o.candidates(), o.findings().size(), String.join(", ", o.names()));
            o.findings().forEach(f -> failures.add(f.toString()));
            out.flush();
        }
    }

    private void training(Backend backend, Tolerance.Table tolerances, PrintWriter out) {
        // The CPU is the trusted one; itself it is compared with the reference.
        String trusted = backend.name().equals("cpu") ? "reference" : "cpu";
        try (Backend want = DeviceOptions.open(trusted, 0)) {
            out.printf(Locale.ROOT, "%-28s %7s %7s %9s   against %s%n", "training step", "values", "failed", "worst", trusted);
            for (SmallNetworks.Row network : SmallNetworks.rows()) {
                boolean lost = twins(network.name(), () -> TrainingTwins.compare(network, backend, want, tolerances), out)
                        || twins(network.name() + " f16", () -> TrainingTwins.compare(network, DType.F16, backend, want), out)
                        || twins(network.name() + " bf16", () -> TrainingTwins.compare(network, DType.BF16, backend, want), out)
                        || twins(network.name() + " f16 overflow", () -> TrainingTwins.overflow(network, backend), out);
                if (lost) {
                    return;
                }
            }
        }
    }

    /** @return whether the device was lost on the way */
    private boolean twins(String name, Supplier<TrainingTwins.Result> compared, PrintWriter out) {
        try {
            TrainingTwins.Result r = compared.get();
            String skipped = r.skipped() == 0 ? "" : ", " + r.skipped() + " update skipped";
            out.printf(Locale.ROOT, "%-28s %7d %7d %7.0f %%   loss %.6f%s%n", name, r.values(), r.problems().size(), 100 * r.used(), r.loss(), skipped);
            r.problems().forEach(p -> failures.add(name + ": " + p));
            return false;
        } catch (RuntimeException e) {
            out.printf(Locale.ROOT, "%-28s %7s %7s%n", name, "-", "failed");
            failures.add(name + ": " + e);
            return SweepTable.isLost(e);
        } finally {
            out.flush();
        }
    }
}
