package dev.jacquard.cli;

import dev.jacquard.data.Images;
import dev.jacquard.data.Transform;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.Predictor;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code jacquard classify}. */
@Command(name = "classify", description = "Says what is on images: the five likeliest classes of each.", sortOptions = false)
final class ClassifyCommand implements Callable<Integer> {
    private static final int SHOWN = 5;

    @Mixin
    private WeightsOptions.InAnyType weights;

    @Option(names = "--image-size", paramLabel = "PIXELS", description = "Height and width that the network sees. Default: what it was trained with")
    private Integer imageSize;

    @Mixin
    private DeviceOptions devices;

    @Parameters(paramLabel = "IMAGE", arity = "1..*", description = "Image files.")
    private List<Path> images;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        int code = Main.DONE;
        try (Backend backend = devices.open(); Predictor predictor = weights.load(backend)) {
            Transform.Eval transform = predictor.transform(imageSize == null ? predictor.imageSize() : imageSize);
            for (Path file : images) {
                try {
                    byte[] pixels = Images.read(file, transform);
                    show(out, file, predictor.probabilities(pixels, 1, transform.size(), transform.size()), predictor.classNames());
                } catch (DataException e) {
                    // The other images are still wanted.
                    out.flush();
                    spec.commandLine().getErr().println("error: " + e.getMessage());
                    code = Main.CALLERS_FAULT;
                }
            }
        }
        return code;
    }

    private static void show(PrintWriter out, Path file, float[] p, List<String> names) {
        out.println(file);
        IntStream.range(0, p.length).boxed().sorted(Comparator.comparingDouble((Integer c) -> p[c]).reversed()).limit(SHOWN)
                .forEach(c -> out.printf(Locale.ROOT, "  %6.2f %%  %s%n", 100 * p[c], names.get(c)));
    }
}
