package dev.jacquard.cli;

import dev.jacquard.onnx.OnnxFile;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.train.Predictor;
import dev.jacquard.train.Trainer;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard export}. */
@Command(name = "export", sortOptions = false, description = {"Writes a network with its weights as an ONNX file, for other runtimes.",
    "Input images: F32 (N, 3, H, W), normalised as the file's metadata says. Output logits: F32 (N, classes)."})
final class ExportCommand implements Callable<Integer> {
    @Mixin
    private WeightsOptions weights;

    @Option(names = "--output", paramLabel = "FILE", required = true, description = "Where the ONNX file goes; a file that is there is replaced.")
    private Path output;

    @Option(names = "--image-size", paramLabel = "PIXELS", description = "Height and width of the images. Default: what the network was trained with")
    private Integer imageSize;

    @Option(names = "--batch", paramLabel = "N", description = "Number of images; 0 leaves it open. Default: ${DEFAULT-VALUE}", defaultValue = "0")
    private int batch;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws java.io.IOException {
        if (batch < 0 || imageSize != null && imageSize < 1) {
            throw new CallerException("export", "out of range", "--batch " + batch + (imageSize == null ? "" : ", --image-size " + imageSize),
                    "a batch of 0 or more, a size of 1 or more", "give other values");
        }
        try (Backend cpu = Backends.open("cpu", 0); Predictor predictor = weights.load(cpu)) {
            int size = imageSize == null ? predictor.imageSize() : imageSize;
            OnnxFile.write(output, predictor.graph(Math.max(batch, 1), size, size), predictor.weights(), new OnnxFile.Options(batch == 0, metadata(predictor, size)));
            PrintWriter print = spec.commandLine().getOut();
            print.printf("%s: %s, %d classes, images (%s, 3, %d, %d), %d bytes%n", output, predictor.arch(), predictor.classes(), batch == 0 ? "N" : batch, size, size,
                    Files.size(output));
        }
        return Main.DONE;
    }

    /** What a reader must know to feed images and to name classes. */
    private static Map<String, String> metadata(Predictor predictor, int size) {
        return Map.of("arch", predictor.arch(), "image_size", Integer.toString(size), "class_names", String.join("\n", predictor.classNames()),
                "mean", Arrays.toString(Trainer.NORMALIZATION.mean()), "std", Arrays.toString(Trainer.NORMALIZATION.std()));
    }
}
