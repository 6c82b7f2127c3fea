package dev.jacquard.bench;

import dev.jacquard.bench.ConvTrial.Numbers;
import dev.jacquard.bench.ConvTrial.Pass;
import dev.jacquard.bench.peers.Machine;
import dev.jacquard.bench.peers.MeasureOptions;
import dev.jacquard.cli.AskedProcess;
import dev.jacquard.cli.Results;
import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/conv-sweep}: the three networks' distinct convolutions, forward and both gradients, beside LibTorch if asked to. */
@Command(name = "bench/conv-sweep", sortOptions = false, mixinStandardHelpOptions = true, description = {
    "Times the convolutions of ResNet50, SE-ResNeXt101 and EfficientNet-B0, forward and both gradients, in rounds in which all shapes take turns.",
    "Each shape and pass replaces its own row in the file, so that a run can be made in parts."})
public final class ConvSweep implements Callable<Integer> {
    private static final List<String> KEY = List.of("set", "shape", "pass", "batch", "threads");

    /** Threads of the side before have parked, or stopped spinning, by then. */
    private static final long PAUSE_MS = 12;

    /** Of a network's input, whose gradient no training step takes. */
    private static final int IMAGE_CHANNELS = 3;

    @Option(names = "--only", split = ",", paramLabel = "TEXT", description = "Shapes whose name, kind or network contains one of these. Default: all; --list shows them")
    private List<String> only = List.of("");

    @Option(names = "--pass", split = ",", paramLabel = "forward|plain|data|weight",
            description = "With what follows, the convolution alone, gradients of images and of weights. Default: all")
    private List<Pass> passes = List.of(Pass.values());

    @Option(names = "--batch", paramLabel = "N", description = "Images, of the networks' shapes; the table's have 8. Default: ${DEFAULT-VALUE}", defaultValue = "16")
    private int batch;

    @Option(names = "--part", paramLabel = "I/N", description = "The I-th of N parts of these shapes, which are in memory all at once. Default: ${DEFAULT-VALUE}",
            defaultValue = "1/1")
    private String part;

    @Option(names = "--torch", description = "LibTorch beside ours, in turns.")
    private boolean withTorch;

    @Mixin
    private MeasureOptions measure;

    @Option(names = "--seconds", paramLabel = "S", description = "Length of a turn; it holds one call at least. Default: ${DEFAULT-VALUE}", defaultValue = "0.03")
    private double seconds;

    @Option(names = "--limit", paramLabel = "S", description = "Begin no round, and plan no shape, later than this. Default: ${DEFAULT-VALUE}", defaultValue = "3600")
    private double limit;

    @Option(names = "--list", description = "Print the shapes, and measure nothing.")
    private boolean list;

    @Option(names = "--table", description = "Print the file, and measure nothing.")
    private boolean table;

    private final PrintStream out = System.out;
    private final long born = System.nanoTime();

    private ConvSweep() {}

    /** For the JVM. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new ConvSweep()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Results file = measure.file("conv-sweep-f32-224px-b" + batch, ConvRow.COLUMNS, KEY);
        if (table) {
            ConvRow.print(file.rows(), out);
            return 0;
        }
        try (Backend backend = Backends.open("cpu", measure.threads())) {
            List<ConvCase> cases = chosen(ConvCases.all(batch, backend));
            if (list) {
                cases.forEach(c -> out.printf("%-32s batch %-3d %-10s %-24s %s%n", c.name(), c.n(), c.family(), c.epilogue(), String.join(" ", c.networks())));
                return 0;
            }
            out.println(backend.description() + ", " + cases.size() + " shapes");
            List<ConvRow> rows = measure(cases, backend);
            List<Map<String, String>> full = measure.underConditions(rows.stream().map(ConvRow::columns).toList());
            for (Map<String, String> row : full) {
                file.put(List.of(row));
            }
            ConvRow.print(full, out);
        }
        return 0;
    }

    private List<ConvCase> chosen(List<ConvCase> all) {
        List<ConvCase> named = all.stream().filter(c -> only.stream().anyMatch(t -> words(c).anyMatch(word -> word.contains(t)))).toList();
        int[] which = Stream.of(part.split("/", 2)).mapToInt(Integer::parseInt).toArray();
        return IntStream.range(0, named.size()).filter(i -> i * which[1] / named.size() == which[0] - 1).mapToObj(named::get).toList();
    }

    private static Stream<String> words(ConvCase c) {
        return Stream.concat(Stream.of(c.name(), c.family().name().toLowerCase(Locale.ROOT)), c.networks().stream());
    }

    private double age() {
        return (System.nanoTime() - born) / 1e9;
    }

    private List<ConvRow> measure(List<ConvCase> cases, Backend backend) throws IOException, InterruptedException {
        List<ConvTrial> trials = new ArrayList<>();
        try (TorchConvolutions torch = torch()) {
            Numbers numbers = Numbers.of(cases);
            List<ConvRow> rows = new ArrayList<>();
            for (ConvCase c : cases) {
                if (age() > limit / 2) {
                    out.printf("no time left to plan: %s%n", c.name());
                    continue;
                }
                List<Pass> taken = passes.stream().filter(p -> p != Pass.DATA || c.c() != IMAGE_CHANNELS).toList();
                ConvTrial trial = new ConvTrial(c, taken, numbers, backend);
                trials.add(trial);
                boolean beside = torch != null && torch.prepare(trials.size(), c);
                int id = trials.size();
                taken.forEach(p -> rows.add(new ConvRow(trial, p, measure.threads(), id, beside ? torch.versions() : "")));
            }
            turns(rows, torch);
            return rows;
        } catch (AskedProcess.Refused e) {
            throw new IOException("LibTorch: " + e.getMessage(), e);
        } finally {
            trials.forEach(ConvTrial::close);
        }
    }

    private TorchConvolutions torch() throws IOException, AskedProcess.Refused {
        return withTorch ? new TorchConvolutions(measure.python(), measure.threads(), Path.of("bench/src/peers/python/conv_worker.py"), Path.of("bench/target/conv-sweep")) : null;
    }

    private void turns(List<ConvRow> rows, TorchConvolutions torch) throws IOException, InterruptedException, AskedProcess.Refused {
        double begin = age();
        Load load = new Load(torch);
        double peak = Emission.peak(measure.threads()).orElse(Double.NaN);
        double longest = 0;
        for (int round = 0; round < measure.rounds() && age() + longest < limit; round++) {
            double from = age();
            for (ConvRow row : rows) {
                for (int side = 0; side < 2; side++) { // ours first in every other round
                    boolean ours = side == round % 2;
                    if (ours || row.beside()) {
                        Thread.sleep(PAUSE_MS);
                        load.begin();
                        row.turn(ours ? null : torch, seconds);
                        load.end();
                    }
                }
            }
            peak = Math.max(peak, Emission.peak(measure.threads()).orElse(Double.NaN));
            longest = Math.max(longest, age() - from);
        }
        for (ConvRow row : rows) {
            row.conditions(peak, load.percent());
        }
        out.printf(Locale.ROOT, "%.0f s, of which turns %.0f; FMA peak %.1f GFLOP/s; others used %.0f %% of a core meanwhile%n", age(), age() - begin, peak, load.percent());
    }

    /** How busy processes other than ours and LibTorch's keep the machine during turns. The system counts hundredths of a second: enough for some hundred turns. */
    private static final class Load {
        private final TorchConvolutions torch;
        private double since;
        private double before;
        private double seconds;
        private double busy;

        Load(TorchConvolutions torch) {
            this.torch = torch;
        }

        void begin() throws IOException {
            before = others();
            since = System.nanoTime() / 1e9;
        }

        void end() throws IOException {
            seconds += System.nanoTime() / 1e9 - since;
            busy += others() - before;
        }

        double percent() {
            return 100 * Math.max(busy, 0) / seconds;
        }

        private double others() throws IOException {
            double own = ProcessHandle.current().info().totalCpuDuration().map(d -> d.toNanos() / 1e9).orElse(0.0);
            return Machine.busySeconds() - own - (torch == null ? 0 : torch.cpuSeconds());
        }
    }
}
