package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.train.TrainConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import picocli.CommandLine.Option;

/** The flags of {@code train}; what is not given is the default of {@link TrainConfig}. */
final class RecipeOptions {
    @Option(names = "--arch", paramLabel = "NAME", description = "Architecture, see: jacquard models. Default: resnet18, with --data resnet50")
    private String arch;

    @Option(names = "--data", paramLabel = "PATH", description = "Folder with a subfolder of images per class, or a tar of one.")
    private String data;

    @Option(names = "--val", paramLabel = "PATH", description = "Held-out images, as --data. Default: every tenth image of --data")
    private String val;

    @Option(names = "--image-size", paramLabel = "PIXELS", description = "Height and width that the network sees. Default: 32, with --data 224")
    private Integer imageSize;

    @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data.")
    private Integer epochs;

    @Option(names = "--batch", paramLabel = "N", description = "Images per step.")
    private Integer batch;

    @Option(names = "--lr", paramLabel = "X", description = "Largest learning rate; linear warm-up, then a cosine to 0.")
    private Double lr;

    @Option(names = "--momentum", paramLabel = "X", description = "Momentum of SGD.")
    private Double momentum;

    @Option(names = "--nesterov", negatable = true, description = "Nesterov's look-ahead.")
    private Boolean nesterov;

    @Option(names = "--weight-decay", paramLabel = "X", description = "Weight decay, not on normalisations and biases.")
    private Double weightDecay;

    @Option(names = "--decay-all", negatable = true, description = "Weight decay on normalisations and biases, too.")
    private Boolean decayAll;

    @Option(names = "--warmup-epochs", paramLabel = "X", description = "Epochs of warm-up, may be a fraction.")
    private Double warmupEpochs;

    @Option(names = "--label-smoothing", paramLabel = "X", description = "Part of the target that is spread evenly.")
    private Double labelSmoothing;

    @Option(names = "--min-scale", paramLabel = "X", description = "Least part of an image's area that a random crop keeps.")
    private Double minScale;

    @Option(names = "--flip", negatable = true, description = "Mirror images by chance.")
    private Boolean flip;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of everything random. Default: 1")
    private Long seed;

    @Option(names = "--generated-images", paramLabel = "N", description = "Number of generated training pictures, without --data.")
    private Integer generatedImages;

    @Option(names = "--keep", paramLabel = "N", description = "Checkpoints to keep, beside the best. Default: 2")
    private Integer keep;

    @Option(names = "--checkpoint-steps", paramLabel = "N", description = "Also save a checkpoint every N steps. Default: at epoch ends only")
    private Integer checkpointSteps;

    @Option(names = "--log-steps", paramLabel = "N", description = "Steps between lines of the log. Default: 10")
    private Integer logSteps;

    @Option(names = "--loader-threads", paramLabel = "N", description = "Threads that decode images. Default: half of the processors")
    private Integer loaderThreads;

    /** The configuration of a new run. */
    TrainConfig apply(DeviceOptions device) {
        if (data == null && val != null) {
            throw new CallerException("--data", "missing", "--val alone", "both", "give the images to learn from, too");
        }
        TrainConfig c = data == null ? TrainConfig.defaults() : TrainConfig.forImages();
        TrainConfig.Data d = c.data();
        TrainConfig.Recipe r = c.recipe();
        return new TrainConfig(or(arch, c.arch()), 0,
                new TrainConfig.Data(data, val, or(imageSize, d.imageSize()), or(minScale, d.minScale()), d.maxScale(), or(flip, d.flip()), or(generatedImages, d.generatedTrain()), d.generatedVal()),
                new TrainConfig.Recipe(or(epochs, r.epochs()), or(batch, r.batch()), or(lr, r.lr()), or(momentum, r.momentum()), or(weightDecay, r.weightDecay()),
                        or(decayAll, r.decayNormAndBias()), or(nesterov, r.nesterov()), or(warmupEpochs, Math.min(r.warmupEpochs(), or(epochs, r.epochs()))),
                        or(labelSmoothing, r.labelSmoothing()), or(seed, r.seed())),
                machine(c.machine(), device)).validate();
    }

    /** The configuration of a run that goes on: only where things are and what does not change the numbers may be said anew. */
    TrainConfig applyToResumed(TrainConfig c, DeviceOptions device) {
        Map<String, Object> fixed = new LinkedHashMap<>();
        fixed.put("--arch", arch);
        fixed.put("--image-size", imageSize);
        fixed.put("--epochs", epochs);
        fixed.put("--batch", batch);
        fixed.put("--lr", lr);
        fixed.put("--momentum", momentum);
        fixed.put("--nesterov", nesterov);
        fixed.put("--weight-decay", weightDecay);
        fixed.put("--decay-all", decayAll);
        fixed.put("--warmup-epochs", warmupEpochs);
        fixed.put("--label-smoothing", labelSmoothing);
        fixed.put("--min-scale", minScale);
        fixed.put("--flip", flip);
        fixed.put("--seed", seed);
        fixed.put("--generated-images", generatedImages);
        fixed.values().removeIf(Objects::isNull);
        if (!fixed.isEmpty()) {
            throw new CallerException(String.join(", ", fixed.keySet()), "cannot change when resuming", String.valueOf(fixed.values().iterator().next()), "the recipe that the run began with",
                    "leave it out, or start a new run without --resume");
        }
        if (c.data().generated() && (data != null || val != null)) {
            throw new CallerException("--data", "cannot change when resuming", String.valueOf(data), "the generated pictures that the run began with", "leave it out, or start a new run");
        }
        TrainConfig.Data d = c.data();
        return new TrainConfig(c.arch(), c.classes(), new TrainConfig.Data(or(data, d.train()), or(val, d.val()), d.imageSize(), d.minScale(), d.maxScale(), d.flip(), d.generatedTrain(), d.generatedVal()),
                c.recipe(), machine(c.machine(), device)).validate();
    }

    private TrainConfig.Machine machine(TrainConfig.Machine m, DeviceOptions o) {
        return new TrainConfig.Machine(or(o.device, m.device()), or(o.threads, m.threads()), or(loaderThreads, m.loaderThreads()), or(keep, m.keep()),
                or(checkpointSteps, m.checkpointSteps()), or(logSteps, m.logSteps()));
    }

    private static <T> T or(T given, T otherwise) {
        return given == null ? otherwise : given;
    }
}
