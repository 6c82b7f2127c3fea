package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard bench}. */
@Command(name = "bench", sortOptions = false, description = "Times training and inference of whole networks, on request beside PyTorch: the two take turns, so that both see the "
        + "same machine. Made for a GPU.")
final class BenchCommand implements Callable<Integer> {
    private static final int ROUNDS = 3;
    private static final double COMPILE_SECONDS = 90;
    private static final double CASE_SECONDS = 15;

    @Option(names = "--device", paramLabel = "DEVICE", description = "Where to compute. Default: ${DEFAULT-VALUE}")
    private String device = "cuda";

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "Folder for networks.csv and networks.md.")
    private Path out;

    @Option(names = "--pytorch", paramLabel = "SCRIPT", description = "bench/gpu/pytorch_worker.py, to measure PyTorch, too.")
    private Path pytorch;

    @Option(names = "--python", paramLabel = "PROGRAM", description = "What runs the script. Default: ${DEFAULT-VALUE}")
    private String python = "python3";

    @Option(names = "--budget", paramLabel = "SECONDS", description = "No case is begun that would end later. Default: ${DEFAULT-VALUE}")
    private double budget = 540;

    @Option(names = "--seconds", paramLabel = "S", description = "Of measuring, per side and round. Default: ${DEFAULT-VALUE}")
    private double seconds = 0.4;

    @Option(names = "--networks", paramLabel = "NAMES", split = ",", description = "Default: ${DEFAULT-VALUE}")
    private List<String> networks = BenchCase.NETWORKS;

    @Option(names = "--precisions", paramLabel = "NAMES", split = ",", description = "Default: ${DEFAULT-VALUE}")
    private List<String> precisions = BenchCase.PRECISIONS;

    @Option(names = "--modes", paramLabel = "NAMES", split = ",", description = "Of PyTorch. Default: ${DEFAULT-VALUE}")
    private List<String> modes = BenchCase.MODES;

    @Option(names = "--work", paramLabel = "train,infer", split = ",", description = "Default: both")
    private List<String> work = List.of("train", "infer");

    @Option(names = "--batch", paramLabel = "N", description = "Instead of the batches of the table.")
    private int batch;

    @Option(names = "--image-size", paramLabel = "PX", description = "Instead of each network's own.")
    private int px;

    @Spec
    private CommandSpec spec;

    private final Map<BackendOptions, Backend> backends = new HashMap<>();

    @Override
    public Integer call() {
        check("--networks", networks, BenchCase.NETWORKS);
        check("--precisions", precisions, BenchCase.PRECISIONS);
        check("--modes", modes, BenchCase.MODES);
        check("--work", work, List.of("train", "infer"));
        if (batch < 0 || px < 0 || !(seconds > 0) || !(budget > 0)) {
            throw new CallerException("bench", "out of range", "--batch " + batch + " --image-size " + px + " --seconds " + seconds + " --budget " + budget, "numbers above 0",
                    "give other values");
        }
        if (pytorch != null && !Files.isRegularFile(pytorch)) {
            throw new CallerException("--pytorch", "no such file", pytorch.toString(), "bench/gpu/pytorch_worker.py of a checkout", "check the path");
        }
        List<BenchCase> cases = BenchCase.all().stream().filter(c -> networks.contains(c.arch()) && precisions.contains(c.precision()) && work.contains(c.verb()))
                .map(c -> c.sized(px, batch).beside(pytorch == null ? List.of() : modes)).filter(c -> pytorch == null || !c.modes().isEmpty()).distinct().toList();
        try {
            run(cases);
        } finally {
            backends.values().forEach(Backend::close);
        }
        return Main.DONE;
    }

    private static void check(String flag, List<String> given, List<String> known) {
        List<String> bad = given.stream().filter(g -> !known.contains(g)).toList();
        if (!bad.isEmpty()) {
            throw new CallerException(flag, "no such", String.join(", ", bad), "of " + String.join(", ", known), "choose from these");
        }
    }

    private void run(List<BenchCase> cases) {
        long start = System.nanoTime();
        Backend first = backend("fp32");
        PrintWriter text = spec.commandLine().getOut();
        // The report comes second: it takes the place of an earlier one.
        try (PyTorchWorker worker = pytorch == null ? null : new PyTorchWorker(python, pytorch, device.replaceFirst(":.*", ""), out.resolve("pytorch.log"));
                BenchReport report = new BenchReport(out, first.description())) {
            text.println(first.description() + (worker == null ? "" : "; " + worker.versions()));
            List<String> limits = limits(worker);
            limits.forEach(text::println);
            for (BenchCase c : cases) {
                double needed = CASE_SECONDS + (c.modes().contains("compile") ? COMPILE_SECONDS : 0);
                if ((System.nanoTime() - start) / 1e9 + needed > budget) {
                    report.add(c, List.of(new BenchReport.Figures("jacquard", new double[0], 0, "left out: the budget is spent")), 0);
                    continue;
                }
                List<BenchReport.Figures> sides = measure(c, worker, c.modes());
                report.add(c, sides, ROUNDS);
                text.println(c + ": " + sides.stream().map(f -> f.contender() + (f.note().isEmpty() ? String.format(Locale.ROOT, " %.3f ms", f.median()) : " " + f.note()))
                        .toList());
                text.flush();
            }
            report.finish(worker == null ? "" : worker.versions(), limits);
        }
    }

    private static List<String> limits(PyTorchWorker worker) {
        try {
            return worker == null ? List.of() : worker.limits();
        } catch (AskedProcess.Refused e) {
            return List.of("limits: " + e.getMessage());
        }
    }

    /** Both sides of a case, taking turns. */
    private List<BenchReport.Figures> measure(BenchCase c, PyTorchWorker worker, List<String> beside) {
        List<BenchReport.Figures> all = new ArrayList<>();
        String why = "";
        try (BenchContender ours = ours(c)) {
            if (beside.isEmpty()) {
                all.add(rounds(List.of(ours)).getFirst());
            }
            for (String mode : beside) {
                try (BenchContender theirs = worker.prepare(c, mode)) {
                    List<BenchReport.Figures> both = rounds(List.of(ours, theirs));
                    if (all.isEmpty()) {
                        all.add(both.getFirst());
                    }
                    all.add(both.getLast());
                } catch (AskedProcess.Refused | UncheckedIOException e) {
                    all.add(failed("pytorch " + mode, e.getMessage()));
                }
            }
            if (all.getFirst().contender().startsWith("pytorch")) {
                all.addFirst(rounds(List.of(ours)).getFirst());
            }
            return all;
        } catch (JacquardException e) {
            why = e.getMessage();
        }
        List<BenchReport.Figures> theirsAlone = new ArrayList<>(List.of(failed("jacquard", why)));
        for (String mode : beside) {
            try (BenchContender theirs = worker.prepare(c, mode)) {
                theirsAlone.addAll(rounds(List.of(theirs)));
            } catch (AskedProcess.Refused | UncheckedIOException e) {
                theirsAlone.add(failed("pytorch " + mode, e.getMessage()));
            }
        }
        return theirsAlone;
    }

    private static BenchReport.Figures failed(String contender, String why) {
        return new BenchReport.Figures(contender, new double[0], 0, why);
    }

    /** @throws CallerException if the device has no such arithmetic */
    private BenchContender ours(BenchCase c) {
        Backend backend = backend(c.precision());
        if (c.precision().equals("tf32") && backend.name().equals("cpu")) {
            throw new CallerException("bench", "not run", c.precision(), "a GPU with tensor cores", "the CPU has no TF32: see fp32");
        }
        return new BenchJacquard(c, backend);
    }

    /** One for each way to open it, kept. */
    private Backend backend(String precision) {
        return backends.computeIfAbsent(options(precision), o -> DeviceOptions.open(device, o));
    }

    /** Products of F32 may be TF32's but in fp32, as on PyTorch's side; kernels are chosen as the device does by itself. */
    static BackendOptions options(String precision) {
        return BackendOptions.DEFAULT.tf32(precision.equals("fp32") ? BackendOptions.Tf32.OFF : BackendOptions.Tf32.ON);
    }

    /** Times of the sides in turn. */
    private List<BenchReport.Figures> rounds(List<BenchContender> sides) {
        double[][] ms = new double[sides.size()][0];
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < ms.length; i++) {
                double[] more = sides.get(i).time(seconds);
                int n = ms[i].length;
                ms[i] = Arrays.copyOf(ms[i], n + more.length);
                System.arraycopy(more, 0, ms[i], n, more.length);
            }
        }
        List<BenchReport.Figures> figures = new ArrayList<>();
        for (int i = 0; i < ms.length; i++) {
            figures.add(new BenchReport.Figures(sides.get(i).name(), ms[i], sides.get(i).memoryBytes(), ""));
        }
        return figures;
    }
}
