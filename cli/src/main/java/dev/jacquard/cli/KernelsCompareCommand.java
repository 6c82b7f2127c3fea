package dev.jacquard.cli;

import dev.jacquard.kernels.Arithmetic;
import dev.jacquard.kernels.CandidateBench;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.DeviceRates;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard kernels compare}. */
@Command(name = "compare", description = "Times all that can compute a product or a convolution on a GPU, our kernels and the libraries' engines, against each other and "
        + "against what "
        + "the device was measured to do at best. On the emulator the times mean nothing.", sortOptions = false)
final class KernelsCompareCommand implements Callable<Integer> {
    private static final long EMULATED_COPY = 1 << 16;
    /** Cases that say how long the next one may take. */
    private static final int LATEST = 8;
    private static final int MOST_SQUARE = 1 << 14;
    private static final int SPARSE_COLUMNS = 64;

    @Option(names = "--device", paramLabel = "cuda|emulator", description = "Default: ${DEFAULT-VALUE}")
    private String device = "cuda";

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "Folder for kernels-candidates.csv and kernels-candidates.md.")
    private Path out;

    @Option(names = "--budget", paramLabel = "SECONDS", description = "No case is begun that would end later. Default: ${DEFAULT-VALUE}")
    private double budget = 540;

    @Option(names = "--case", paramLabel = "TEXT", description = "Only cases whose name contains this. Without the products, there are no shares of the roofline.")
    private String text = "";

    @Option(names = "--batch", paramLabel = "N", description = "Images of a convolution. Default: ${DEFAULT-VALUE}")
    private int batch = 128;

    @Option(names = "--image-size", paramLabel = "PX", description = "Instead of each network's own.")
    private int px;

    @Option(names = "--square", paramLabel = "N", description = "Rows, columns and depth of the products, which are measured at twice that, too; a multiple of 64. Default: "
            + "${DEFAULT-VALUE}")
    private int square = 4096;

    @Option(names = "--rounds", paramLabel = "N", description = "In which candidates take turns. Default: ${DEFAULT-VALUE}")
    private int rounds = CandidateBench.Settings.STANDARD.rounds();

    @Spec
    private CommandSpec spec;

    private final Map<Arithmetic, Double> rates = new EnumMap<>(Arithmetic.class);
    private final Deque<Double> latest = new ArrayDeque<>();
    private boolean lost;

    @Override
    public Integer call() {
        long start = System.nanoTime();
        List<MatrixCase> cases = cases();
        try (CudaBackend backend = DeviceOptions.cuda(DeviceOptions.open(device, BackendOptions.DEFAULT.tf32(BackendOptions.Tf32.OFF).autotune(Autotune.OFF)));
                CompareReport report = new CompareReport(out, backend.description())) {
            boolean emulated = backend.name().equals("emulator");
            PrintWriter lines = spec.commandLine().getOut();
            lines.println(emulated ? "emulated: these times are the emulator's own and say nothing about a GPU" : backend.description());
            try (CandidateBench bench = new CandidateBench(backend, new CandidateBench.Settings(rounds, emulated ? EMULATED_COPY : CandidateBench.Settings.STANDARD.copyBytes()))) {
                run(bench, cases, report, start);
            }
        }
        return lost ? Main.OUR_FAULT : Main.DONE;
    }

    private List<MatrixCase> cases() {
        if (batch < 1 || px < 0 || rounds < 1 || !(budget > 0) || square < 1 || square > MOST_SQUARE || square % SPARSE_COLUMNS != 0) {
            throw new CallerException("kernels compare", "out of range", "--batch " + batch + " --image-size " + px + " --rounds " + rounds + " --budget " + budget
                    + " --square " + square, "numbers above 0, --square a multiple of " + SPARSE_COLUMNS + " up to " + MOST_SQUARE, "give other values");
        }
        List<MatrixCase> all = MatrixCase.all(new MatrixCase.Sizes(square, px, batch));
        List<MatrixCase> cases = all.stream().filter(c -> c.name().contains(text)).toList();
        if (cases.isEmpty()) {
            throw new CallerException("--case", "no such case", text, "part of a name such as " + all.getLast().name(), "leave it out to see all names");
        }
        return cases;
    }

    /** Rows need the rates, which the products show: those come first and wait for each other. */
    private void run(CandidateBench bench, List<MatrixCase> cases, CompareReport report, long start) {
        double copy = bench.copyBandwidth();
        List<CompareReport.Measured> products = cases.stream().filter(MatrixCase::showsRate).map(c -> measured(bench, c, start)).toList();
        DeviceRates device = new DeviceRates(copy, rates);
        report.rates(device);
        products.forEach(report::add);
        cases.stream().filter(c -> !c.showsRate()).forEach(c -> report.add(measured(bench, c, start)));
        report.finish();
    }

    private CompareReport.Measured measured(CandidateBench bench, MatrixCase c, long start) {
        double longest = latest.stream().mapToDouble(s -> s).max().orElse(0);
        long begin = System.nanoTime();
        CompareReport.Measured result = lost ? CompareReport.Measured.left(c, "left out: the device is lost")
                : (begin - start) / 1e9 + longest > budget ? CompareReport.Measured.left(c, "left out: the budget is spent") : tried(bench, c);
        if (result.outcome() != null) {
            latest.addLast((System.nanoTime() - begin) / 1e9);
            if (latest.size() > LATEST) {
                latest.removeFirst();
            }
            spec.commandLine().getOut().println(c.name() + ": " + best(result, true) + "; " + best(result, false));
            spec.commandLine().getOut().flush();
        }
        return result;
    }

    private CompareReport.Measured tried(CandidateBench bench, MatrixCase c) {
        try {
            CandidateBench.Outcome o = bench.measure(c.sample(), c.arithmetic());
            if (c.showsRate()) {
                o.timings().stream().filter(CandidateBench.Timing::fit).forEach(t -> rates.merge(c.arithmetic(), o.cost().flops() / t.us() / 1e6, Math::max));
            }
            return new CompareReport.Measured(c, o, o.timings().isEmpty() ? "no kernel takes it" : "");
        } catch (JacquardException | DriverException e) { // of a lost device, what is freed last says so itself
            lost = SweepTable.isLost(e);
            return CompareReport.Measured.left(c, e.getMessage());
        }
    }

    private static String best(CompareReport.Measured m, boolean own) {
        return m.outcome().best(own, "").map(t -> String.format(Locale.ROOT, "%s %.2f us", t.candidate(), t.us())).orElse(own ? "none of ours" : "no library's");
    }
}
