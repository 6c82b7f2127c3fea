package dev.jacquard.cli;

import dev.jacquard.data.Augmentation;
import dev.jacquard.data.Batch;
import dev.jacquard.data.Decoding;
import dev.jacquard.data.ImageDecoder;
import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Loader;
import dev.jacquard.data.OperationRules;
import dev.jacquard.data.StageTimes;
import dev.jacquard.data.StageTimes.Stage;
import dev.jacquard.data.Transform;
import dev.jacquard.tensor.CallerException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard data bench}. */
@Command(name = "bench", sortOptions = false, description = {"Images per second of the image pipeline: of each stage on one core, and of the whole with its threads.",
    "With --compare, torchvision's transforms with Pillow take turns with ours. Another decoder: JACQUARD_OPTS=-Djacquard.jpeg=libjpeg, libturbojpeg or java."})
final class DataBenchCommand implements Callable<Integer> {
    private static final List<String> PIPELINES = List.of("crop", "autoaugment", "randaugment");
    private static final List<String> COLUMNS = List.of("date", "machine", "data", "pipeline", "what", "engine", "workers", "batch", "pixels", "decode", "decoder", "jdk", "rounds",
            "images_per_second", "least", "most", "x_torchvision");

    @Option(names = "--data", paramLabel = "PATH", required = true, description = "As train's: a folder with a subfolder of images per class, a tar of one, shards, a list.")
    private String data;

    @Option(names = "--pipelines", paramLabel = "NAMES", split = ",", description = "Default: ${DEFAULT-VALUE}")
    private List<String> pipelines = PIPELINES;

    @Option(names = "--workers", paramLabel = "N", description = "Threads, and torchvision's processes. Default: the number of processors")
    private int workers = Runtime.getRuntime().availableProcessors();

    @Option(names = "--batch", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}")
    private int batch = 64;

    @Option(names = "--image-size", paramLabel = "PX", description = "Default: ${DEFAULT-VALUE}")
    private int size = 224;

    @Option(names = "--decode", paramLabel = "HOW", description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private Decoding decoding = Decoding.EXACT;

    @Option(names = "--rounds", paramLabel = "N", description = "Turns of each side; rows are their medians. Default: ${DEFAULT-VALUE}")
    private int rounds = 5;

    @Option(names = "--seconds", paramLabel = "S", description = "Of a turn. Default: ${DEFAULT-VALUE}")
    private double seconds = 2;

    @Option(names = "--compare", description = "Beside torchvision (Debian: python3-torchvision).")
    private boolean compare;

    @Option(names = "--python", paramLabel = "PROGRAM", description = "What runs the script. Default: ${DEFAULT-VALUE}")
    private String python = "/usr/bin/python3";

    @Option(names = "--script", paramLabel = "FILE", description = "torchvision's side. Default: ${DEFAULT-VALUE}")
    private Path script = Path.of("scripts/torchvision_pipeline.py");

    @Option(names = "--csv", paramLabel = "FILE", description = "Rows are added here.")
    private Path csv;

    @Spec
    private CommandSpec spec;

    private final List<Map<String, String>> rows = new ArrayList<>();

    @Override
    public Integer call() {
        if (workers < 1 || rounds < 1 || !(seconds > 0)) {
            throw new CallerException("data bench", "out of range", "--workers " + workers + " --rounds " + rounds + " --seconds " + seconds, "numbers above 0",
                    "give other values");
        }
        if (compare && !Files.isRegularFile(script)) {
            throw new CallerException("--script", "no such file", script.toString(), "scripts/torchvision_pipeline.py of a checkout", "run in a checkout, or leave --compare out");
        }
        List<String> arguments = List.of(data, "--workers", Integer.toString(workers), "--batch", Integer.toString(batch), "--size", Integer.toString(size));
        PrintWriter text = spec.commandLine().getOut();
        try (ImageSource source = ImageSource.open(data); TorchvisionWorker other = compare ? new TorchvisionWorker(python, script, arguments) : null) {
            text.println(source.size() + " images of " + dataName() + ", " + size + " px, batches of " + batch + ", " + workers + " workers"
                    + (other == null ? "" : "; " + other.versions()));
            for (String name : pipelines) {
                measure(name, source, other, text);
            }
        }
        write();
        return Main.DONE;
    }

    /** A random resized crop, mirrored by chance, as torchvision has it, and what follows. */
    private static Transform.Train pipeline(String name, int size) {
        Transform.Train crop = Transform.Train.imagenet(size);
        return switch (name) {
            case "crop" -> crop;
            case "autoaugment" -> crop.with(Augmentation.autoAugment(OperationRules.PYTORCH));
            case "randaugment" -> crop.with(Augmentation.randAugment(2, 9));
            default -> throw new CallerException("--pipelines", "no such", name, "of " + String.join(", ", PIPELINES), "choose from these");
        };
    }

    /** Turns of both sides; ours first warms up for a turn that does not count. */
    private void measure(String name, ImageSource source, TorchvisionWorker other, PrintWriter text) {
        List<Double> ours = new ArrayList<>();
        List<Double> theirs = new ArrayList<>();
        try (Loader loader = Loader.train(source, pipeline(name, size)).batch(batch).threads(workers).decoding(decoding).open()) {
            turn(loader, 2 * seconds);
            StageTimes before = loader.times();
            for (int i = 0; i < rounds; i++) {
                ours.add(turn(loader, seconds));
                if (other != null) {
                    theirs.add(other.pipeline(name, seconds));
                }
            }
            StageTimes spent = loader.times().since(before);
            double rate = Spread.of(ours).median();
            double beside = Spread.of(theirs).median();
            double ratio = rate / beside;
            text.printf(Locale.ROOT, "%-14s %8.0f images/s%s%n", name, rate, other == null ? "" : String.format(Locale.ROOT, "; torchvision %.0f; %.2f times", beside, ratio));
            row(name, "pipeline", "jacquard", workers, ours, ratio);
            if (other != null) {
                row(name, "pipeline", "torchvision", workers, theirs, 1);
            }
            for (Stage stage : Stage.WORK) {
                if (spent.perSecond(stage) > 0) {
                    text.printf(Locale.ROOT, "  %-12s %8.0f images/s of one core%n", stage.text(), spent.perSecond(stage));
                    row(name, stage.text(), "jacquard", 1, List.of(spent.perSecond(stage)), Double.NaN);
                }
            }
            text.printf(Locale.ROOT, "  %-12s %8.0f images/s of one core%n", "all", spent.perSecond());
            row(name, "all", "jacquard", 1, List.of(spent.perSecond()), Double.NaN);
        }
        text.flush();
    }

    /** Images per second. What was made in advance is taken first, so that the ring's content counts for nothing. */
    private static double turn(Loader loader, double seconds) {
        for (int i = 0; i < 4; i++) {
            take(loader);
        }
        long start = System.nanoTime();
        int images = 0;
        do {
            images += take(loader);
        } while (System.nanoTime() - start < seconds * 1e9);
        return images / ((System.nanoTime() - start) * 1e-9);
    }

    private static int take(Loader loader) {
        Batch next = loader.next();
        return next == null ? 0 : next.count();
    }

    private void row(String pipeline, String what, String engine, int threads, List<Double> figures, double ratio) {
        Spread spread = Spread.of(figures);
        Map<String, String> row = new HashMap<>();
        row.put("date", LocalDate.now().toString());
        row.put("machine", Processor.count());
        row.put("data", dataName());
        row.put("pipeline", pipeline);
        row.put("what", what);
        row.put("engine", engine);
        row.put("workers", Integer.toString(threads));
        row.put("batch", Integer.toString(batch));
        row.put("pixels", Integer.toString(size));
        row.put("decode", decoding.name().toLowerCase(Locale.ROOT));
        row.put("decoder", engine.equals("jacquard") ? ImageDecoder.codec() : "");
        row.put("jdk", Integer.toString(Runtime.version().feature()));
        row.put("rounds", Integer.toString(rounds));
        row.put("images_per_second", Spread.text("%.1f", spread.median()));
        row.put("least", Spread.text("%.1f", spread.least()));
        row.put("most", Spread.text("%.1f", spread.most()));
        row.put("x_torchvision", Spread.text("%.2f", ratio));
        rows.add(row);
    }

    private String dataName() {
        return data.substring(data.lastIndexOf('/') + 1);
    }

    private void write() {
        if (csv == null) {
            return;
        }
        try {
            new Results(csv, COLUMNS, List.of()).add(rows);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
