package dev.jacquard.cli;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.ImageSource;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.Evaluation;
import dev.jacquard.train.Predictor;
import dev.jacquard.train.TrainConfig;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard evaluate}. */
@Command(name = "evaluate", description = "Measures top-1, top-5 and loss of weights on a data set; without --data on the generated held-out pictures.", sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {
    @Mixin
    private WeightsOptions.InAnyType weights;

    @Option(names = "--data", paramLabel = "PATH", description = "Images, as train's --data.")
    private String data;

    @Option(names = "--image-size", paramLabel = "PIXELS", description = "Height and width that the network sees. Default: what it was trained with")
    private Integer imageSize;

    @Option(names = "--batch", paramLabel = "N", description = "Images at a time. Default: ${DEFAULT-VALUE}", defaultValue = "64")
    private int batch;

    @Option(names = "--num-classes", paramLabel = "N", description = "Number of classes to insist on. Default: that of the weights")
    private Integer classes;

    @Mixin
    private DeviceOptions devices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (batch < 1 || batch > 1 << 16) {
            throw new CallerException("--batch", "out of range", Integer.toString(batch), "1 to 65536", "give another value");
        }
        try (ImageSource source = data == null ? new GeneratedImages(Generated.SEED, GeneratedImages.Split.TEST, TrainConfig.defaults().data().generatedVal())
                : ImageSource.open(data);
                Backend backend = devices.open(); Predictor predictor = weights.load(backend)) {
            if (classes != null && classes != predictor.classes()) {
                throw new CallerException("--num-classes", "wrong number of classes", classes.toString(), predictor.classes() + ", as " + weights + " has",
                        "leave it out, or give other weights");
            }
            Evaluation e = predictor.evaluate(source, imageSize == null ? predictor.imageSize() : imageSize, batch);
            spec.commandLine().getOut().printf(Locale.ROOT, "top-1 %.2f %%  top-5 %.2f %%  loss %.4f  images %d%n", e.top1(), e.top5(), e.loss(), e.images());
            if (e.images() < source.size()) {
                spec.commandLine().getOut().printf(Locale.ROOT, "%d images could not be decoded and were skipped%n", source.size() - e.images());
            }
            return Main.DONE;
        }
    }
}
