package dev.jacquard.cli;

import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.models.ModelInfo;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.Experiment;
import dev.jacquard.train.Footprint;
import dev.jacquard.train.Rate;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.Stage;
import dev.jacquard.train.TrainConfig;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What {@code train --dry-run} prints: every setting and what it comes to. Nothing is opened but the data set, if one is named, and nothing of a step's size is allocated. */
final class DryRun {
    private static final double GIGA = 1e9;

    private final ResolvedConfig resolved;
    private final TrainConfig config;
    private final Images images;

    /**
     * The training set.
     *
     * @param count number of images
     * @param classes number of classes
     * @param what where they are
     */
    record Images(int count, int classes, String what) {
        /** What a recipe is reckoned with where there is no data set. */
        static Images expected(TrainConfig c) {
            int classes = c.classes() > 0 ? c.classes() : Models.row(c.arch()).classes();
            return new Images(c.data().expectedImages(), classes, "as expected of the data set");
        }
    }

    DryRun(ResolvedConfig resolved, Images images) {
        this.resolved = resolved.withClasses(images.classes);
        this.config = this.resolved.config();
        this.images = images;
    }

    /** Everything that does not depend on this machine. @param lrAt epochs to tell the learning rate at; empty for some of interest */
    String text(List<Double> lrAt) {
        return SettingsText.of(resolved) + network() + batch() + steps() + stages() + lr(lrAt.isEmpty() ? epochsOfInterest() : lrAt) + refused();
    }

    /** Memory of a step, as planned for a device. */
    String memory(Backend backend) {
        Footprint f = Footprint.of(config, backend);
        MixedPrecision precision = Experiment.precision(config);
        return line("memory", "%s of weights and state, %s of values in a step, as planned for %s in %s", mebibytes(f.stateBytes()), mebibytes(f.valueBytes()), backend.name(),
                precision == null ? DType.F32 : precision.type());
    }

    private String network() {
        int size = config.data().imageSize();
        ModelInfo info = ModelInfo.of(Models.row(config.arch()), Experiment.model(config), size);
        return line("network", "%,d parameters, %,d running statistics, %.4f GMACs per image of %d x %d", info.parameters(), info.statistics(), info.macs() / GIGA, size, size);
    }

    private String batch() {
        TrainConfig.BatchSizes b = config.batch();
        int steps = b.accumulation();
        String fits = b.optimizer() > 0 && b.global() != b.optimizer() ? "; --optimizer-batch-size " + b.optimizer() + " is no multiple of the batch" : "";
        return line("batch", "%d x %d device%s x %d step%s: %,d images per update%s", b.size(), b.gpus(), b.gpus() == 1 ? "" : "s", steps, steps == 1 ? "" : "s", b.global(), fits);
    }

    private String steps() {
        int epochs = config.schedule().epochs();
        String updates = config.batch().accumulation() == 1 ? "" : String.format(Locale.ROOT, "; %,d updates per epoch", updatesPerEpoch());
        return line("steps", "%,d per epoch of %,d images (%s), %,d in %d epoch%s%s", stepsPerEpoch(), images.count, images.what, stepsPerEpoch() * epochs, epochs,
                epochs == 1 ? "" : "s", updates);
    }

    private String stages() {
        List<Stage> all = Stage.of(config);
        return all.size() == 1 ? "" : line("stages", "%s", all.stream().map(s -> s.imageSize() + " px from epoch " + s.firstEpoch()).collect(Collectors.joining(", ")));
    }

    /** The last images, which make no whole batch, are left out. */
    private long stepsPerEpoch() {
        long step = (long) config.batch().size() * config.batch().gpus();
        if (images.count < step) {
            throw new CallerException("--batch", "larger than the data set", step + " images per step", "at most " + images.count, "lower --batch or --gpus");
        }
        return images.count / step;
    }

    private long updatesPerEpoch() {
        return Math.max(1, stepsPerEpoch() / config.batch().accumulation());
    }

    private List<Double> epochsOfInterest() {
        double epochs = config.schedule().epochs();
        double warmup = config.schedule().warmupEpochs();
        return Stream.of(0.0, 1.0, Math.ceil(warmup / 2), Math.ceil(warmup), Math.rint(epochs / 4), Math.rint(epochs / 2), Math.rint(epochs * 3 / 4), epochs - 1)
                .filter(e -> e >= 0 && e < epochs).distinct().sorted().toList();
    }

    private String lr(List<Double> at) {
        at.stream().filter(e -> !(e >= 0 && e < config.schedule().epochs())).findFirst().ifPresent(e -> {
            throw new CallerException("--lr-at", "no epoch of the run", digits(e), "0 to below " + config.schedule().epochs(), "give epochs from 0 on");
        });
        Rate rate = Rate.of(config, Math.toIntExact(stepsPerEpoch()));
        String rates = at.stream().map(e -> digits(e) + ": " + digits(rate.lr((long) Math.floor(e * stepsPerEpoch())))).collect(Collectors.joining(", "));
        return line("lr", "largest %s; at the beginning of epoch %s", digits(config.peakLr()), rates);
    }

    private String refused() {
        List<String> missing = Experiment.missing(config);
        return missing.isEmpty() ? "" : line("train", "refuses %s; add %s", missing.stream().map(m -> Experiment.given(config, m)).collect(Collectors.joining(" ")),
                String.join(" ", missing));
    }

    private static String line(String what, String format, Object... values) {
        return String.format(Locale.ROOT, "%-8s", what) + String.format(Locale.ROOT, format, values) + "\n";
    }

    /** Six digits, and no more of them than are there. */
    static String digits(double x) {
        BigDecimal rounded = new BigDecimal(x).round(new MathContext(6)).stripTrailingZeros();
        return Math.abs(x) < 1e-4 ? rounded.toString() : rounded.toPlainString();
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%,.1f MiB", bytes / (double) (1 << 20));
    }
}
