package dev.jacquard.bench.peers;

import dev.jacquard.bench.peers.Piece.Work;
import dev.jacquard.cli.AskedProcess;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/peers}: Jacquard, ONNX Runtime, LibTorch through DJL and PyTorch on the same networks, in turns; CSV files of what they took. */
@Command(name = "bench/peers", sortOptions = false, mixinStandardHelpOptions = true, description = {
    "Times Jacquard and other engines on the same networks, weights and inputs, in turns, and compares their answers.",
    "Each part of a run replaces its own rows in the files, so that a run can be made in parts."})
public final class Peers implements Callable<Integer> {
    private static final List<String> NETWORKS = List.of("efficientnet-b0", "se-resnext101-32x4d", "resnet50");
    private static final int PIXELS = 224;
    private static final int TRAINING_BATCH = 16;

    /** What is measured. */
    enum Mode { INFER, TRAIN, FIRST }

    @Option(names = "--only", split = ",", paramLabel = "NETWORK", description = "Networks. Default: all three")
    private List<String> networks = NETWORKS;

    @Option(names = "--mode", split = ",", paramLabel = "infer|train|first",
            description = "Predictions, training steps, time from the start of a process to its first prediction. Default: all")
    private List<Mode> modes = List.of(Mode.values());

    @Option(names = "--batch", split = ",", paramLabel = "N", description = "Batch sizes of predictions. Default: 1,16")
    private List<Integer> batches = List.of(1, 16);

    @Option(names = "--engines", split = ",", paramLabel = "NAME", description = "Engines beside ours. Default: onnxruntime,djl,djl-tuned,djl-torchscript-tuned,torch-nhwc-tuned")
    private List<String> engines;

    @Option(names = "--seconds", paramLabel = "S", description = "Length of a turn; it holds one call at least. Default: ${DEFAULT-VALUE}", defaultValue = "2")
    private double seconds;

    @Mixin
    private MeasureOptions measure;

    @Option(names = "--jvm", split = " ", paramLabel = "FLAGS", description = "More flags for our JVM.")
    private List<String> jvm = List.of();

    @Option(names = "--work", paramLabel = "DIR", description = "For weights, images and logs. Default: ${DEFAULT-VALUE}", defaultValue = "bench/target/peers")
    private Path work;

    @Option(names = "--table", description = "Write the README's tables from the newest files, and measure nothing.")
    private boolean table;

    private final PrintStream out = System.out;

    private Peers() {}

    /** For the JVM. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Peers()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (table) {
            new ReadmeTable(measure.folder()).write(Path.of("README.md"));
            return 0;
        }
        String withTorch = hasTorch() ? measure.python() : null;
        List<Contender> all = Contender.all(measure.threads(), withTorch, Path.of("bench/src/peers/python"), jvm);
        List<Contender> chosen = engines == null ? all : all.stream().filter(c -> c.name().equals(Contender.OURS) || engines.contains(c.name())).toList();
        for (String network : networks) {
            Material material = new Material(work.resolve(network));
            material.make(network, PIXELS);
            script(all, network, material);
            Contest.Settings settings = new Contest.Settings(measure.threads(), measure.rounds(), seconds, work.resolve("logs"));
            for (Piece piece : pieces(network)) {
                put(piece.work().label(), Contest.COLUMNS, Contest.KEY, new Contest(piece, material, settings, out).run(chosen));
            }
            if (modes.contains(Mode.FIRST)) {
                put("first", FirstPrediction.COLUMNS, FirstPrediction.KEY, new FirstPrediction(network, PIXELS, material, settings, out).run(chosen));
            }
        }
        return 0;
    }

    private List<Piece> pieces(String network) {
        List<Piece> pieces = new ArrayList<>();
        if (modes.contains(Mode.INFER)) {
            batches.forEach(n -> pieces.add(new Piece(Work.INFER, network, n, PIXELS)));
        }
        if (modes.contains(Mode.TRAIN)) {
            pieces.add(new Piece(Work.TRAIN, network, TRAINING_BATCH, PIXELS));
        }
        return pieces;
    }

    private void put(String what, List<String> columns, List<String> key, List<Map<String, String>> rows) throws IOException {
        if (rows.isEmpty()) {
            return;
        }
        measure.file("peers-%s-f32-%dpx".formatted(what, PIXELS), columns, key).put(measure.underConditions(rows));
    }

    /** TorchScript is PyTorch's to write. */
    private void script(List<Contender> all, String network, Material material) throws IOException {
        Contender torch = all.stream().filter(c -> c.name().startsWith("torch-")).findFirst().orElse(null);
        if (torch != null && Files.notExists(material.torchScript())) {
            try (Peer peer = new Peer(torch, work.resolve("logs"))) {
                peer.script(network, PIXELS, material);
            } catch (AskedProcess.Refused e) {
                out.println("no TorchScript of " + network + ": " + e.getMessage());
            }
        }
    }

    private boolean hasTorch() throws IOException, InterruptedException {
        String python = measure.python();
        if (python.equals("none") || Stream.of("", ".exe").noneMatch(end -> Files.isExecutable(Path.of(python + end)))) {
            return false;
        }
        return new ProcessBuilder(python, "-c", "import torch, torchvision").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
    }
}
