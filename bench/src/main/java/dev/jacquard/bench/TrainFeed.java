package dev.jacquard.bench;

import dev.jacquard.bench.peers.Machine;
import dev.jacquard.bench.peers.MeasureOptions;
import dev.jacquard.cli.Results;
import dev.jacquard.cli.Spread;
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
import dev.jacquard.layers.Decay;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.TrainStep;
import dev.jacquard.train.Trainer;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bench/train-feed}: what the image pipeline costs a training on the same cores, beside the same steps on a batch that is there already. */
@Command(name = "bench/train-feed", sortOptions = false, mixinStandardHelpOptions = true, description = {
    "Trains a network on images and on --data synthetic, in turns, and says how much of the throughput is left.",
    "Nothing is cached: every step's images are read and decoded anew."})
public final class TrainFeed implements Callable<Integer> {
    private static final List<String> COLUMNS = List.of("date", "commit", "machine", "jdk", "network", "pixels", "batch", "threads", "loader_threads", "policy", "decode",
            "decoder", "rounds", "steps_per_round",
            "synthetic_images_per_s", "pipeline_images_per_s", "percent_of_synthetic", "least_percent", "most_percent", "waited_percent", "loader_ms_per_image", "read_ms",
            "decode_ms", "resize_ms", "augment_ms", "write_ms", "made_per_used", "others_percent_of_a_core");
    private static final List<String> KEY = List.of("network", "pixels", "batch", "threads", "loader_threads", "policy", "decode", "decoder");
    /** Untimed steps at the beginning of a turn, until the ring is as full as it stays. */
    private static final int SETTLE = 2;
    private static final double LEARNING_RATE = 0.01;

    @Option(names = "--data", paramLabel = "DATA", required = true, description = "Images, as ./jacquard train takes them.")
    private String data;

    @Option(names = "--arch", paramLabel = "NAME", description = "Network. Default: ${DEFAULT-VALUE}", defaultValue = "resnet50")
    private String arch;

    @Option(names = "--image-size", paramLabel = "PIXELS", description = "Height and width. Default: ${DEFAULT-VALUE}", defaultValue = "224")
    private int pixels;

    @Option(names = "--batch", paramLabel = "N", description = "Images of a step. Default: ${DEFAULT-VALUE}", defaultValue = "16")
    private int batch;

    @Option(names = "--steps", paramLabel = "N", description = "Timed steps of a turn. Default: ${DEFAULT-VALUE}", defaultValue = "6")
    private int steps;

    @Option(names = "--loader-threads", paramLabel = "N", description = "Threads that decode. Default: half of the processors", defaultValue = "0")
    private int loaderThreads;

    @Option(names = "--policy", paramLabel = "crop|autoaugment", description = "What happens to images. Default: ${DEFAULT-VALUE}", defaultValue = "crop")
    private String policy;

    @Option(names = "--decode", paramLabel = "exact|reduced", description = "As ./jacquard train has it. Default: ${DEFAULT-VALUE}", defaultValue = "exact")
    private Decoding decode;

    @Mixin
    private MeasureOptions measure;

    private final PrintStream out = System.out;
    private TrainStep step;
    private long done;

    private TrainFeed() {}

    /** For the JVM. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new TrainFeed()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
    }

    /** A turn's result: images per second, and of the loader's threads where their time went meanwhile. */
    private record Turn(double imagesPerSecond, double waited, StageTimes times) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Transform.Train plain = Transform.Train.imagenet(pixels);
        Transform.Train transform = policy.equals("autoaugment") ? plain.with(Augmentation.autoAugment(OperationRules.PYTORCH)) : plain;
        Module module = Models.create(arch, 1000);
        try (Backend cpu = Backends.open("cpu", measure.threads()); State state = new State(cpu); ImageSource images = ImageSource.open(data); ImageSource none =
                ImageSource.open("synthetic");
                Loader fed = loader(images, transform); Loader synthetic = loader(none, transform);
                TrainStep planned = TrainStep.of(module, new Optimizer(new Update.SgdMomentum(0.9, 1e-4, false), Decay.WEIGHTS, module),
                        new TrainStep.Settings(batch, pixels, Trainer.NORMALIZATION, 0.1, 1), state)) {
            step = planned;
            out.printf(Locale.ROOT, "%s, %d pixels, batch %d, %d loader threads, on %s%n", arch, pixels, batch, fed.threads(), cpu.description());
            turn(fed, 1);
            turn(synthetic, 1);
            double busy = Machine.busySeconds();
            double own = cpuSeconds();
            long since = System.nanoTime();
            List<Turn> with = new ArrayList<>();
            List<Turn> without = new ArrayList<>();
            for (int round = 0; round < measure.rounds(); round++) {
                without.add(turn(synthetic, steps));
                with.add(turn(fed, steps));
                out.printf(Locale.ROOT, "round %d: synthetic %.2f, pipeline %.2f images/s%n", round + 1, without.getLast().imagesPerSecond, with.getLast().imagesPerSecond);
            }
            double others = (Machine.busySeconds() - busy - (cpuSeconds() - own)) / ((System.nanoTime() - since) * 1e-9);
            Map<String, String> row = row(with, without, fed.threads());
            row.put("others_percent_of_a_core", Spread.text("%.0f", 100 * Math.max(others, 0)));
            Results file = measure.file("train-feed-f32", COLUMNS, KEY);
            file.put(measure.underConditions(List.of(row)));
            row.forEach((k, v) -> out.printf("%-26s %s%n", k, v));
        }
        return 0;
    }

    private Loader loader(ImageSource images, Transform.Train transform) {
        Loader.Builder builder = Loader.train(images, transform).batch(batch).seed(1).decoding(decode);
        return (loaderThreads > 0 ? builder.threads(loaderThreads) : builder).open();
    }

    /** Some steps in a row, as {@link Trainer} has them: the next batch is asked for while nobody waits. The loader's threads rest when it begins, its ring full. */
    private Turn turn(Loader loader, int count) throws InterruptedException {
        feed(loader);
        for (int i = 0; i < SETTLE; i++) {
            step(loader);
        }
        StageTimes before = loader.times();
        long waited = loader.waitedNanos();
        long since = System.nanoTime();
        for (int i = 0; i < count; i++) {
            step(loader);
        }
        double nanos = System.nanoTime() - since;
        Turn turn = new Turn(count * batch / (nanos * 1e-9), (loader.waitedNanos() - waited) / nanos, loader.times().since(before));
        for (long made = -1; made != loader.times().images();) { // threads fill the ring, and then rest
            made = loader.times().images();
            Thread.sleep(300);
        }
        return turn;
    }

    private void step(Loader loader) {
        step.compute(done, LEARNING_RATE);
        feed(loader);
        if (!(step.loss() >= 0)) {
            throw new IllegalStateException("the loss is not a number at step " + done);
        }
        step.commit();
        done++;
    }

    private void feed(Loader loader) {
        Batch next = loader.next();
        while (next == null) {
            next = loader.next();
        }
        step.feed(next.images(), next.labels());
    }

    private Map<String, String> row(List<Turn> with, List<Turn> without, int threads) {
        double[] percent = new double[with.size()];
        StageTimes times = StageTimes.NONE;
        for (int i = 0; i < percent.length; i++) {
            percent[i] = 100 * with.get(i).imagesPerSecond / without.get(i).imagesPerSecond;
            times = times.plus(with.get(i).times);
        }
        Spread spread = Spread.of(percent);
        Map<String, String> row = new LinkedHashMap<>();
        row.put("network", arch);
        row.put("pixels", Integer.toString(pixels));
        row.put("batch", Integer.toString(batch));
        row.put("threads", Integer.toString(measure.threads()));
        row.put("loader_threads", Integer.toString(threads));
        row.put("policy", policy);
        row.put("decode", decode.name().toLowerCase(Locale.ROOT));
        row.put("decoder", ImageDecoder.codec());
        row.put("rounds", Integer.toString(percent.length));
        row.put("steps_per_round", Integer.toString(steps));
        row.put("synthetic_images_per_s", Spread.text("%.2f", rate(without)));
        row.put("pipeline_images_per_s", Spread.text("%.2f", rate(with)));
        row.put("percent_of_synthetic", Spread.text("%.1f", spread.median()));
        row.put("least_percent", Spread.text("%.1f", spread.least()));
        row.put("most_percent", Spread.text("%.1f", spread.most()));
        row.put("waited_percent", Spread.text("%.1f", 100 * with.stream().mapToDouble(Turn::waited).average().orElse(0)));
        row.put("loader_ms_per_image", Spread.text("%.2f", times.cpuNanos() * 1e-6 / times.images()));
        for (Stage s : Stage.WORK) {
            double rate = times.perSecond(s);
            row.put(s.text() + "_ms", Spread.text("%.2f", rate > 0 ? 1e3 / rate : 0));
        }
        row.put("made_per_used", Spread.text("%.2f", times.images() / (double) (steps * batch * percent.length)));
        return row;
    }

    private static double rate(List<Turn> turns) {
        return Spread.of(turns.stream().mapToDouble(Turn::imagesPerSecond).toArray()).median();
    }

    /** Processor time of this process. */
    private static double cpuSeconds() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() * 1e-9;
    }
}
