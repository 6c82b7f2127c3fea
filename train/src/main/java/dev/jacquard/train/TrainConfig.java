package dev.jacquard.train;

import dev.jacquard.data.Decoding;
import dev.jacquard.data.Interpolation;
import dev.jacquard.data.Mixing;
import dev.jacquard.data.OperationRules;
import dev.jacquard.data.RandomCrop;
import dev.jacquard.layers.Decay;
import dev.jacquard.layers.DropPath;
import dev.jacquard.layers.LearningRate;
import dev.jacquard.layers.LrScaling;
import dev.jacquard.models.Initialization;
import dev.jacquard.models.Padding;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.backend.BackendOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * All that a training run is a function of, as named settings in groups; {@code config.json} in its folder. Each component carries a {@link Setting}: its flag, its default, its
 * range and what it means are said there and nowhere else. To add a setting is to add a line here, and code that reads it.
 *
 * @param model the network
 * @param data where pictures come from and what is done to them
 * @param batch how many pictures are taken at a time
 * @param optimization how weights follow their gradients
 * @param schedule for how long, at which learning rate
 * @param stages images and augmentation that grow with the epochs
 * @param stop when to end before the last epoch
 * @param precision in which numbers
 * @param machine what does not belong to the experiment: device, threads, files kept
 */
public record TrainConfig(Model model, Data data, BatchSizes batch, Optimization optimization, Schedule schedule, Stages stages, Stop stop, Precision precision, Machine machine) {
    /** How an image becomes a square for evaluation; {@link Data#evalRule}. */
    public enum EvalRule { PROPORTION, PLUS_32, CROP_FIRST, SHORTER }

    /** Policies of further operations on training images. */
    public enum AugmentationPolicy { NONE, AUTOAUGMENT, RANDAUGMENT }

    /** Whose details, where published systems differ. */
    public enum Form { PYTORCH, TENSORFLOW, PADDLE }

    /** Update rules. */
    public enum UpdateRule { SGD, RMSPROP, ADAM, ADAMW }

    /** Which weights are called the best. */
    public enum Best { RAW, BETTER }

    /** Formats of mixed precision. */
    public enum Amp { OFF, FP16, BF16 }

    /** What becomes of the loss scale of F16. */
    public enum LossScaling { DYNAMIC, STATIC, OFF }

    /** Whether something may be used. */
    public enum Switch { ON, OFF }

    /** Whose training with quantised weights and activations. */
    public enum Qat { OFF, PYTORCH, PADDLE }

    /** How 2 of 4 weights are chosen to be zero. */
    public enum Sparsity { OFF, MASK_1D, MASK_2D_GREEDY, MASK_2D_BEST }

    /** The network. */
    public record Model(
            @Setting(name = "arch", value = "resnet18", help = "Architecture, see: jacquard models.") String arch,
            @Setting(name = "num-classes", value = "0", range = "[0, 1000000]", help = "Number of classes; 0 for that of the data set.") int classes,
            @Setting(name = "channels", value = "3", range = "[3, 4]", help = "Channels that the network takes; a fourth is zero, as Paddle's recipes have it.") int channels,
            @Setting(name = "padding", value = "symmetric",
                    help = "Where windows step over the border: evenly (PyTorch), or the odd pixel at the end (TensorFlow's SAME).") Padding padding,
            @Setting(name = "initialization", value = "torchvision", help = "Whose first values of weights.") Initialization initialization,
            @Setting(name = "bn-momentum", value = "0.1", range = "(0, 1]", help = "Share of the new batch in running statistics.") double normMomentum,
            @Setting(name = "bn-epsilon", value = "1e-5", range = "(0, 1]", help = "Added to variances.") double normEps,
            @Setting(name = "dropout", value = "0", range = "[0, 1)", help = "Probability that a feature before the last layer is dropped.") double dropout,
            @Setting(name = "survival", value = "1", range = "(0, 1]", aliases = "--survival-prob",
                    help = "Probability that the last residual branch is kept; earlier ones are kept more often.") double survival,
            @Setting(name = "drop-path", value = "batch",
                    help = "What residual branches are dropped for: the batch (NVIDIA PyTorch) or each sample (TensorFlow).") DropPath.Mode dropPath,
            @Setting(name = "zero-last-norm", value = "false", aliases = "--last-bn-0-init", help = "Begin with residual branches at zero.") boolean zeroLastNorm,
            @Setting(name = "weights", value = "", aliases = "--pretrained-from-file",
                    help = "Weights to start from; a head of another number of classes is left out with --num-classes.") String weights) {}

    /** Where pictures come from and what is done to them. */
    public record Data(
            @Setting(name = "data", value = "", mayChange = true, help =
            "Images: a folder with a subfolder per class, a tar of one, tars (a folder of them, t-*.tar, t-{000..146}.tar), a list (.txt, .tsv: path, tab, class), "
                    + "several with commas between, or synthetic (noise, for benchmarks).") String train,
            @Setting(name = "val", value = "", mayChange = true, help = "Held-out images, as --data. Default: every tenth image of --data.") String val,
            @Setting(name = "generated-images", value = "8000", range = "[0, 100000000]",
                    help = "Number of generated training pictures, without --data; 0 for none.") int generatedTrain,
            @Setting(name = "generated-val", value = "1000", range = "[1, 100000000]", help = "Number of generated pictures held out.") int generatedVal,
            @Setting(name = "expected-images", value = "1281167", range = "[1, )", mayChange = true, aliases = "--train-num-examples",
                    help = "Training images that --dry-run reckons with where there are none; ImageNet's by default.") int expectedImages,
            @Setting(name = "shuffle-buffer", value = "0", range = "[0, 16777216]",
                    help = "Read tars in sequence, for disks that seek slowly, and shuffle among so many images; 0 reads at random.") int shuffleBuffer,
            @Setting(name = "decode", value = "exact", help = "Whether large JPEGs may be decoded at a half, a quarter or an eighth of their size (reduced).") Decoding decode,
            @Setting(name = "exif-orientation", value = "false", help = "Turn JPEGs as their EXIF orientation says; torchvision and the published systems do not.") boolean upright,
            @Setting(name = "image-size", value = "224", range = "[8, 4096]", aliases = "--train-img-size", help = "Height and width that the network trains on.") int imageSize,
            @Setting(name = "eval-size", value = "0", range = "[0, 4096]", aliases = "--eval-img-size", help = "Height and width in evaluation; 0 for --image-size.") int evalSize,
            @Setting(name = "eval-rule", value = "proportion",
                    help = "Evaluation: proportion (shorter side to size 256/224, centre cut), plus-32 (to size + 32, NVIDIA PyTorch), crop-first (centre of side "
                            + "size/(size + 32), then resized, TensorFlow), shorter (to --eval-resize, Paddle).") EvalRule evalRule,
            @Setting(name = "eval-resize", value = "256", range = "[8, 8192]", aliases = "--resize-short",
                    help = "Shorter side before the centre cut, with --eval-rule shorter.") int evalResize,
            @Setting(name = "min-scale", value = "0.08", range = "(0, 1]", help = "Least part of an image's area that a random crop keeps.") double minScale,
            @Setting(name = "max-scale", value = "1", range = "(0, 1]", help = "Largest part of an image's area that a random crop keeps.") double maxScale,
            @Setting(name = "min-ratio", value = "0.75", range = "(0, 1]", help = "Least width / height of a random crop.") double minRatio,
            @Setting(name = "max-ratio", value = "1.3333333333333333", range = "[1, 100]", help = "Largest width / height of a random crop.") double maxRatio,
            @Setting(name = "crop-sampling", value = "torchvision", help =
                    "Whose random crop: torchvision gives up after 10 attempts, the others after 100.") RandomCrop.Sampling crop,
            @Setting(name = "flip", value = "true", help = "Mirror images by chance.") boolean flip,
            @Setting(name = "interpolation", value = "bilinear",
                    help = "How images are resized: as Pillow does, or with no antialiasing (-aliased), or as TensorFlow does (-tf1).") Interpolation interpolation,
            @Setting(name = "augmentation", value = "none", aliases = "--augmenter-name", help = "Further operations on training images.") AugmentationPolicy augmentation,
            @Setting(name = "augmentation-arithmetic", value = "pillow",
                    help = "Whose operations: Pillow's (NVIDIA PyTorch) or TensorFlow's.") OperationRules.Arithmetic arithmetic,
            @Setting(name = "augmentation-outside", value = "fill",
                    help = "What geometric operations show beyond an image's border: gray, or the image mirrored.") OperationRules.Outside outside,
            @Setting(name = "randaugment-layers", value = "2", range = "[1, 16]", aliases = "--raug-num-layers", help = "Operations per image of RandAugment.") int layers,
            @Setting(name = "randaugment-magnitude", value = "10", range = "[0, 30]", aliases = "--raug-magnitude", help = "Strength of RandAugment.") double magnitude,
            @Setting(name = "cutout", value = "0", range = "[0, 4096]", aliases = "--cutout-const",
                    help = "Half the side in pixels that the operation Cutout erases at most; 0 for the policy's own.") double cutout,
            @Setting(name = "translate", value = "0", range = "[0, 4096]", aliases = "--translate-const",
                    help = "Pixels that the operations Translate move by at most; 0 for the policy's own.") double translate,
            @Setting(name = "mixup", value = "0", range = "[0, 100]", aliases = "--mixup-alpha", help = "Alpha of mixup's Beta distribution; 0 for no mixup.") double mixup,
            @Setting(name = "cutmix", value = "0", range = "[0, 100]", aliases = "--cutmix-alpha", help = "Alpha of cutmix' Beta distribution; 0 for no cutmix.") double cutmix,
            @Setting(name = "mixing-form", value = "pytorch",
                    help = "One weight per batch and partners by permutation (PyTorch), or a weight per image and the reversed batch (TensorFlow).") Mixing.Form mixingForm) {
        /** Whether the built-in pictures are used. */
        public boolean generated() {
            return train == null;
        }

        /** Height and width in evaluation. */
        public int evalImageSize() {
            return evalSize == 0 ? imageSize : evalSize;
        }
    }

    /** How many pictures are taken at a time. */
    public record BatchSizes(
            @Setting(name = "batch", value = "64", range = "[1, 65536]", aliases = {"-b", "--batch-size", "--train-batch-size"}, help = "Images per device and step.") int size,
            @Setting(name = "optimizer-batch-size", value = "0", range = "[-1, 16777216]",
                    help = "Images per update: gradients are added up over so many; 0 for those of one step.") int optimizer,
            @Setting(name = "gpus", value = "1", range = "[1, 4096]", help = "Devices that share the work.") int gpus) {
        /** Steps whose gradients make one update: as many as fit into {@code --optimizer-batch-size}, at least 1. */
        public int accumulation() {
            return optimizer <= 0 ? 1 : (int) Math.max(1, optimizer / ((long) size * gpus));
        }

        /** Images of one update, on all devices. */
        public long global() {
            return (long) size * gpus * accumulation();
        }
    }

    /** How weights follow their gradients. */
    public record Optimization(
            @Setting(name = "optimizer", value = "sgd", help = "Update rule.") UpdateRule rule,
            @Setting(name = "optimizer-form", value = "pytorch", help = "Whose form of the rule: learning rate and epsilon stand in other places.") Form form,
            @Setting(name = "momentum", value = "0.9", range = "[0, 1)", help = "Momentum of SGD and RMSprop.") double momentum,
            @Setting(name = "nesterov", value = "false", help = "Nesterov's look-ahead.") boolean nesterov,
            @Setting(name = "rmsprop-alpha", value = "0.9", range = "[0, 1)", help = "Decay of RMSprop's mean of squares.") double alpha,
            @Setting(name = "epsilon", value = "1e-3", range = "(0, 1]", aliases = {"--rmsprop-eps", "--opt-epsilon"},
                    help = "Epsilon of RMSprop and Adam; PyTorch has 1e-8 in Adam.") double eps,
            @Setting(name = "beta1", value = "0.9", range = "[0, 1)", aliases = "--beta-1", help = "Decay of Adam's mean.") double beta1,
            @Setting(name = "beta2", value = "0.999", range = "[0, 1)", aliases = "--beta-2", help = "Decay of Adam's mean of squares.") double beta2,
            @Setting(name = "weight-decay", value = "5e-4", range = "[0, )", aliases = "--wd", help = "Weight decay.") double weightDecay,
            @Setting(name = "decay-rule", value = "weights", shorthands = {"--decay-all=all", "--no-decay-all=weights", "--bn-weight-decay=all"},
                    help = "What decays: all, weights (no normalisations and biases), or as a published system does.") Decay decay,
            @Setting(name = "grad-clip-norm", value = "0", range = "[0, )", help = "Largest norm of all gradients together; 0 for any.") double clip,
            @Setting(name = "ema", value = "0", range = "[0, 1)", aliases = {"--use-ema", "--moving-average-decay"},
                    help = "Decay of moving averages of all weights; 0 for none.") double emaDecay,
            @Setting(name = "ema-cadence", value = "update",
                    help = "When averages move: with each step (NVIDIA PyTorch) or with each update (TensorFlow).") Averaging.Cadence emaCadence,
            @Setting(name = "ema-warmup", value = "true", help = "Averages begin with less decay: (1 + t)/(10 + t).") boolean emaWarmup,
            @Setting(name = "best", value = "raw", help = "Weights that are called the best: raw, or the better of raw and averaged.") Best best,
            @Setting(name = "label-smoothing", value = "0.1", range = "[0, 1)", help = "Part of the target that is spread evenly.") double labelSmoothing,
            @Setting(name = "smooth-eval-loss", value = "false", help = "Smooth the targets of the evaluation's loss, too.") boolean smoothEvalLoss,
            @Setting(name = "seed", value = "1", help = "Seed of initial values, order, augmentation and dropout.") long seed) {
        /** Whether there is a momentum to look ahead along. */
        boolean takesNesterov() {
            return rule == UpdateRule.SGD && momentum > 0;
        }
    }

    /** For how long, at which learning rate. */
    public record Schedule(
            @Setting(name = "epochs", value = "90", range = "[1, )", aliases = "--max-epochs", help = "Passes over the data.") int epochs,
            @Setting(name = "run-epochs", value = "0", range = "[-1, 1000000]", mayChange = true, help = "Epochs of this part of the run, to be resumed; 0 for all.") int runEpochs,
            @Setting(name = "lr", value = "0.1", range = "[0, )", aliases = "--lr-init", help = "Largest learning rate, before --lr-scaling.") double lr,
            @Setting(name = "lr-scaling", value = "none",
                    help = "Times what: nothing, images per update / 128 (TensorFlow) or / 256, or the number of --gpus (Paddle).") LrScaling scaling,
            @Setting(name = "lr-convention", value = "per-step",
                    help = "Whose warm-up and units: per-step is ours, nvidia-pytorch changes the rate with epochs.") LearningRate.Convention convention,
            @Setting(name = "lr-schedule", value = "cosine", aliases = {"--lr-decay", "--lr-scheduler"}, help = "What the rate does after the warm-up.") LearningRate.Curve curve,
            @Setting(name = "end-lr", value = "0", range = "[0, )", help = "Where cosine and linear curves end.") double endLr,
            @Setting(name = "warmup-epochs", value = "0", range = "[0, 1000000]", aliases = {"--warmup", "--lr-warmup-epochs"},
                    help = "Epochs of linear warm-up, may be a fraction.") double warmupEpochs,
            @Setting(name = "warmup-start-lr", value = "0", range = "[0, )", help = "Where the warm-up begins.") double warmupStartLr,
            @Setting(name = "lr-milestones", value = "30,60,80", range = "[0, )", help = "Epochs at which the rate falls, with step and piecewise.") List<Double> milestones,
            @Setting(name = "lr-multipliers", value = "1,0.1,0.01,0.001", range = "[0, )",
                    help = "What --lr is multiplied by before, between and after them, with piecewise.") List<Double> multipliers,
            @Setting(name = "lr-factor", value = "0.1", range = "(0, 1]", help = "What it is multiplied by at each of them, with step.") double factor,
            @Setting(name = "lr-decay-rate", value = "0.97", range = "(0, 1]", help = "What it is multiplied by every --lr-decay-epochs, with exponential.") double decayRate,
            @Setting(name = "lr-decay-epochs", value = "2.4", range = "(0, 1000000]", help = "Epochs between falls, with exponential.") double decayEpochs) {}

    /** Images and augmentation that grow with the epochs. */
    public record Stages(
            @Setting(name = "stages", value = "1", range = "[1, 1000]", aliases = "--n-stages", help = "Parts of the run, from the base values below to those above.") int count,
            @Setting(name = "base-image-size", value = "128", range = "[8, 4096]", aliases = "--base-img-size",
                    help = "Image size that the first stage grows from.") int baseImageSize,
            @Setting(name = "base-magnitude", value = "5", range = "[0, 30]", aliases = "--base-randaug-mag",
            help = "RandAugment's strength in the first stage.") double baseMagnitude,
            @Setting(name = "base-mixup", value = "0", range = "[0, 100]", help = "Mixup's alpha in the first stage.") double baseMixup,
            @Setting(name = "base-cutmix", value = "0", range = "[0, 100]", help = "Cutmix' alpha in the first stage.") double baseCutmix) {}

    /** When to end before the last epoch. */
    public record Stop(
            @Setting(name = "early-stopping-patience", value = "0", range = "[-1, 1000000]", help = "End after so many epochs without a better top-1; 0 for never.") int patience,
            @Setting(name = "target-top1", value = "0", range = "[0, 100]", help = "End when top-1 is at least this many percent; 0 for never.") double targetTop1,
            @Setting(name = "max-steps", value = "0", range = "[-1, )", aliases = "--prof", mayChange = true, help = "End after so many steps; 0 for never.") long maxSteps) {}

    /** In which numbers. */
    public record Precision(
            @Setting(name = "amp", value = "off", help = "Mixed precision: products, and what follows them, in this type; weights, statistics and the loss stay in F32.") Amp amp,
            @Setting(name = "amp-keep", value = "", help = "Modules that stay in F32 with --amp, by path, with commas between them, such as layer4.0,fc.") String ampKeep,
            @Setting(name = "tf32", value = "on", bare = "on", shorthands = "--no-tf32=off",
                    help = "Products and convolutions of F32 with 10 bits of mantissa: on where the device has such, A100 and later; off nowhere; emulate everywhere, by "
                            + "rounding operands.")
            BackendOptions.Tf32 tf32,
            @Setting(name = "loss-scaling", value = "dynamic",
                    help = "How the loss is scaled with --amp fp16: a scale that follows overflows, one that stays (bad steps are skipped nevertheless), or "
                            + "none.") LossScaling lossScaling,
            @Setting(name = "loss-scale", value = "128", range = "(0, 1e38]", aliases = {"--static-loss-scale", "--scale-loss"},
            help = "First loss scale of --amp fp16.") double lossScale,
            @Setting(name = "loss-scale-growth", value = "2", range = "[1, )", help = "What the scale grows by; 1 for a scale that does not grow.") double growth,
            @Setting(name = "loss-scale-interval", value = "100", range = "[1, 16777215]", help = "Updates without overflow in a row before it grows.") int interval,
            @Setting(name = "loss-scale-backoff", value = "0.5", range = "(0, 1)", help = "What it is multiplied by after overflows.") double backoff,
            @Setting(name = "loss-scale-patience", value = "1", range = "[1, 16777215]", help = "Updates with overflow in a row before it shrinks.") int patience,
            @Setting(name = "loss-scale-minimum", value = "0", range = "[0, 1e38]",
                    help = "What it does not shrink below; 0 for no bound, Keras and Paddle have 1.") double lossScaleMinimum,
            @Setting(name = "qat", value = "off", help = "Train with quantised weights and activations.") Qat qat,
            @Setting(name = "sparsity", value = "off", help = "Train with 2 of 4 weights at zero, chosen so.") Sparsity sparsity) {}

    /** What does not belong to the experiment. */
    public record Machine(
            @Setting(name = "device", value = "auto", mayChange = true, help = "Where to compute: auto, cpu, cuda or cuda:N; auto takes the best there is.") String device,
            @Setting(name = "libs", value = "on", mayChange = true, help =
                    "Whether cuBLAS and cuDNN may compute on a CUDA device, where they are installed and faster.") Switch libraries,
            @Setting(name = "autotune", value = "default", mayChange = true,
                    help = "How one of several kernels is chosen on a CUDA device: on times them once and remembers the fastest, file takes what is remembered, off goes by rule; "
                            + "default is on for a GPU.")
            BackendOptions.Autotune autotune,
            @Setting(name = "cpu-kernels", value = "auto", mayChange = true,
                    help = "What the CPU backend computes with: code emitted for this processor, the same for AVX2 only, the JDK's Vector API, or plain Java; auto takes the first "
                            + "that runs here.")
            BackendOptions.CpuKernels cpuKernels,
            @Setting(name = "threads", value = "0", range = "[0, 1024]", mayChange = true, help = "Threads of the CPU backend; 0 for one per processor.") int threads,
            @Setting(name = "loader-threads", value = "0", range = "[0, 256]", aliases = {"-j", "--workers"}, mayChange = true,
                    help = "Threads that decode images; 0 for half of the processors.") int loaderThreads,
            @Setting(name = "loader-depth", value = "3", range = "[2, 64]", mayChange = true,
                    help = "Batches in memory, the one in use included: more even out pictures of very different size.") int loaderDepth,
            @Setting(name = "keep", value = "2", range = "[1, )", mayChange = true, help = "Checkpoints to keep, beside the best.") int keep,
            @Setting(name = "checkpoint-steps", value = "0", range = "[0, )", mayChange = true,
                    help = "Also save a checkpoint every so many steps; 0 for epoch ends only.") int checkpointSteps,
            @Setting(name = "checkpoints", value = "true", mayChange = true, help = "Save checkpoints at all.") boolean checkpoints,
            @Setting(name = "log-steps", value = "10", range = "[1, )", aliases = "--print-freq", mayChange = true, help = "Steps between lines of the log.") int logSteps,
            @Setting(name = "training-only", value = "false", mayChange = true, help = "No evaluation after epochs.") boolean trainingOnly,
            @Setting(name = "evaluate", value = "false", mayChange = true, help = "Evaluation only.") boolean evaluateOnly) {}

    /** What {@code ./jacquard train} does without flags: a small residual network on the generated pictures, some minutes on two cores. */
    public static TrainConfig defaults() {
        return ResolvedConfig.of(Recipes.GENERATED, null, Map.of()).config();
    }

    /** Where {@code ./jacquard train --data} begins: a recipe for real pictures, to which flags are applied. */
    public static TrainConfig forImages() {
        return ResolvedConfig.of(Recipes.IMAGES, null, Map.of()).config();
    }

    /** How the device is to be opened. */
    public BackendOptions device() {
        return new BackendOptions(machine.threads(), precision.tf32(), machine.libraries() == Switch.ON, machine.autotune(), machine.cpuKernels());
    }

    /** The same with one setting changed. @param name as in {@link Setting#name} @throws CallerException if there is no such setting or the value does not fit */
    public TrainConfig with(String name, Object value) {
        return Settings.with(this, name, value);
    }

    /** The same with the number of classes of the data set. */
    public TrainConfig withClasses(int n) {
        return with("num-classes", n);
    }

    /** Name of the architecture. */
    public String arch() {
        return model.arch;
    }

    /** Number of classes; 0 until the data set is known. */
    public int classes() {
        return model.classes;
    }

    /** The largest learning rate, {@link Schedule#scaling scaled}. */
    public double peakLr() {
        return schedule.scaling.scaled(schedule.lr, batch.global(), batch.gpus);
    }

    /** Checks ranges, and what settings ask of each other. @return this @throws CallerException naming the flag that is out of range */
    public TrainConfig validate() {
        Settings.validate(this);
        require("--min-scale", data.minScale, data.minScale <= data.maxScale, "at most --max-scale " + Settings.text(data.maxScale));
        require("--warmup-epochs", schedule.warmupEpochs, schedule.warmupEpochs <= schedule.epochs, "0 to the number of epochs, " + schedule.epochs);
        require("--nesterov", optimization.nesterov, !optimization.nesterov || optimization.takesNesterov(), "with --optimizer sgd and a --momentum above 0 only");
        require("--optimizer-form", optimization.form, optimization.rule != UpdateRule.RMSPROP || optimization.form != Form.PADDLE,
                "pytorch or tensorflow, with --optimizer rmsprop");
        require("--stages", stages.count, stages.count <= schedule.epochs, "1 to the number of epochs, " + schedule.epochs);
        require("--base-image-size", stages.baseImageSize, stages.count == 1 || stages.baseImageSize <= data.imageSize, "at most --image-size " + data.imageSize);
        require("--loss-scale-minimum", precision.lossScaleMinimum, precision.lossScaleMinimum <= precision.lossScale,
                "at most --loss-scale " + Settings.text(precision.lossScale));
        require("--amp-keep", precision.ampKeep, precision.ampKeep == null || precision.amp != Amp.OFF, "with --amp fp16 or bf16 only");
        require("--lr-milestones", schedule.milestones, schedule.milestones.stream().sorted().toList().equals(schedule.milestones), "epochs in rising order");
        return this;
    }

    private static void require(String flag, Object got, boolean holds, String expected) {
        if (!holds) {
            throw new CallerException(flag, "out of range", Settings.text(got), expected, "give another value");
        }
    }

    /** What the numbers of a run depend on, as text; equal for a run and its continuation, wherever the data set was moved. */
    String identity() {
        return Settings.identity(this) + (data.generated() ? " generated" : "");
    }

    /** Writes this as JSON, atomically. */
    public void write(Path file) {
        Json.write(file, Settings.json(this));
    }

    /** Reads what {@link #write} wrote, edited or not. @throws DataException if it is no configuration; {@link CallerException} if out of range */
    public static TrainConfig read(Path file) {
        return Settings.read(file.toString(), Json.read(file)).validate();
    }
}
