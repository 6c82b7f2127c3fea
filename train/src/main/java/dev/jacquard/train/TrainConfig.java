package dev.jacquard.train;

import com.google.gson.JsonParseException;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.nio.file.Path;

/**
 * All that a training run is a function of; {@code config.json} in its folder.
 *
 * @param arch name of the architecture
 * @param classes number of classes; 0 until the data set is known
 * @param data where pictures come from and what is done to them
 * @param recipe what is learnt how
 * @param machine what does not belong to the experiment: device, threads, files kept
 */
public record TrainConfig(String arch, int classes, Data data, Recipe recipe, Machine machine) {
    /**
     * Where pictures come from and what is done to them.
     *
     * @param train folder or tar of class folders; null for the generated pictures
     * @param val the held-out ones, as {@code train}
     * @param imageSize height and width that the network sees, in pixels
     * @param minScale least part of a picture's area that a random crop keeps
     * @param maxScale largest part
     * @param flip whether pictures are mirrored by chance
     * @param generatedTrain number of generated pictures for training
     * @param generatedVal number of generated pictures held out
     */
    public record Data(String train, String val, int imageSize, double minScale, double maxScale, boolean flip, int generatedTrain, int generatedVal) {
        /** Whether the built-in pictures are used. */
        public boolean generated() {
            return train == null;
        }
    }

    /**
     * What is learnt how: SGD with momentum, a linear warm-up and a cosine to zero, per step.
     *
     * @param epochs passes over the training pictures
     * @param batch pictures per step
     * @param lr the largest learning rate
     * @param momentum of SGD
     * @param weightDecay added to the gradient, times the weight
     * @param decayNormAndBias whether normalisation parameters and biases decay too
     * @param nesterov whether SGD looks ahead
     * @param warmupEpochs epochs of linear warm-up, may be a fraction
     * @param labelSmoothing part of the target that is spread evenly
     * @param seed of initial values, order, augmentation and dropout
     */
    public record Recipe(int epochs, int batch, double lr, double momentum, double weightDecay, boolean decayNormAndBias, boolean nesterov,
            double warmupEpochs, double labelSmoothing, long seed) {}

    /**
     * What does not belong to the experiment.
     *
     * @param device {@code auto} or a backend's name
     * @param threads of the CPU backend; 0 for one per processor
     * @param loaderThreads that decode pictures; 0 for half of the processors
     * @param keep checkpoints that stay, beside the best
     * @param checkpointSteps steps between checkpoints within an epoch; 0 for epoch ends only
     * @param logSteps steps between lines of the log
     */
    public record Machine(String device, int threads, int loaderThreads, int keep, int checkpointSteps, int logSteps) {}

    /** What {@code ./jacquard train} does without flags: a small residual network on the generated pictures, some minutes on two cores. */
    public static TrainConfig defaults() {
        return new TrainConfig("resnet18", 0, new Data(null, null, 40, 0.6, 1, true, 8000, 1000),
                new Recipe(8, 64, 0.05, 0.9, 5e-4, false, true, 0.5, 0.1, 1), new Machine("auto", 0, 0, 2, 0, 10));
    }

    /** Where {@code ./jacquard train --data} begins: a recipe for real pictures, to which flags are applied. */
    public static TrainConfig forImages() {
        return new TrainConfig("resnet50", 0, new Data(null, null, 224, 0.25, 1, true, 1, 1), new Recipe(90, 128, 0.1, 0.9, 5e-4, false, false, 1, 0.1, 1),
                new Machine("auto", 0, 0, 2, 0, 10));
    }

    /** The same with the number of classes of the data set. */
    public TrainConfig withClasses(int n) {
        return new TrainConfig(arch, n, data, recipe, machine);
    }

    /** Checks the ranges. @return this @throws CallerException naming the flag that is out of range */
    public TrainConfig validate() {
        require("--image-size", data.imageSize, data.imageSize >= 8 && data.imageSize <= 4096, "8 to 4096");
        require("--scale", data.minScale + ":" + data.maxScale, data.minScale > 0 && data.minScale <= data.maxScale && data.maxScale <= 1, "0 < least <= largest <= 1");
        require("--epochs", recipe.epochs, recipe.epochs >= 1, "at least 1");
        require("--batch", recipe.batch, recipe.batch >= 1 && recipe.batch <= 1 << 16, "1 to 65536");
        require("--lr", recipe.lr, recipe.lr >= 0 && recipe.lr < Double.POSITIVE_INFINITY, "a finite number, 0 or more");
        require("--momentum", recipe.momentum, recipe.momentum >= 0 && recipe.momentum < 1, "0 <= momentum < 1");
        require("--weight-decay", recipe.weightDecay, recipe.weightDecay >= 0 && recipe.weightDecay < Double.POSITIVE_INFINITY, "a finite number, 0 or more");
        require("--warmup-epochs", recipe.warmupEpochs, recipe.warmupEpochs >= 0 && recipe.warmupEpochs <= recipe.epochs, "0 to the number of epochs");
        require("--label-smoothing", recipe.labelSmoothing, recipe.labelSmoothing >= 0 && recipe.labelSmoothing < 1, "0 <= smoothing < 1");
        require("--generated", data.generatedTrain + ":" + data.generatedVal, data.generatedTrain >= 1 && data.generatedVal >= 1, "at least 1 each");
        require("--threads", machine.threads, machine.threads >= 0 && machine.threads <= 1024, "0 (one per processor) to 1024");
        require("--loader-threads", machine.loaderThreads, machine.loaderThreads >= 0 && machine.loaderThreads <= 256, "0 to 256");
        require("--keep", machine.keep, machine.keep >= 1, "at least 1");
        require("--checkpoint-steps", machine.checkpointSteps, machine.checkpointSteps >= 0, "0 or more");
        require("--log-steps", machine.logSteps, machine.logSteps >= 1, "at least 1");
        return this;
    }

    private static void require(String flag, Object got, boolean holds, String expected) {
        if (!holds) {
            throw new CallerException(flag, "out of range", String.valueOf(got), expected, "give another value");
        }
    }

    /** What the numbers of a run depend on, as text; equal for a run and its continuation, wherever the data set was moved. */
    String identity() {
        Data d = data;
        return Json.text(new TrainConfig(arch, classes, new Data(d.generated() ? null : "", null, d.imageSize, d.minScale, d.maxScale, d.flip, d.generatedTrain, d.generatedVal),
                recipe, null));
    }

    /** Writes this as JSON, atomically. */
    public void write(Path file) {
        Json.write(file, Json.pretty(this));
    }

    /** Reads what {@link #write} wrote, edited or not. @throws DataException if it is no configuration; {@link CallerException} if out of range */
    public static TrainConfig read(Path file) {
        String text = Json.read(file);
        try {
            TrainConfig c = Json.parse(text, TrainConfig.class);
            if (c == null || c.arch == null || c.data == null || c.recipe == null || c.machine == null || c.machine.device == null) {
                throw new JsonParseException("arch, data, recipe or machine is missing");
            }
            return c.validate();
        } catch (JsonParseException e) {
            throw new DataException(file.toString(), "not a run's configuration", Json.oneLine(e), "the JSON that train writes", "restore the file, or start another run", e);
        }
    }
}
