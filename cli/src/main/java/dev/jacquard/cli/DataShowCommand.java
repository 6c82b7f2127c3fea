package dev.jacquard.cli;

import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.ImageSource;
import dev.jacquard.data.Preview;
import dev.jacquard.data.Transform;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.train.Experiment;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.Settings;
import dev.jacquard.train.Stage;
import dev.jacquard.train.TrainConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard data show}. */
@Command(name = "show", sortOptions = false, abbreviateSynopsis = true, modelTransformer = SettingOptions.class,
        description = "Writes a contact sheet: pictures of a data set, at the left as they are, beside it as a network sees them in training, epoch after epoch. Without --data: "
                + "of generated pictures.")
final class DataShowCommand implements Callable<Integer>, SettingOptions.Receiver {
    /** Settings that make a difference to a picture. */
    private static final Set<String> SETTINGS = Set.of("arch", "data", "generated-images", "image-size", "min-scale", "max-scale", "min-ratio", "max-ratio", "crop-sampling",
            "flip", "interpolation",
            "augmentation", "augmentation-arithmetic", "augmentation-outside", "randaugment-layers", "randaugment-magnitude", "cutout", "translate", "seed");

    private static final long MOST_PIXELS = 100_000_000;
    private static final int MOST_CELLS = 10_000;

    @Option(names = "--out", paramLabel = "FILE", required = true, description = "The sheet to write: .png or .html.")
    private Path out;

    @Option(names = "--images", paramLabel = "N", description = "Pictures, spread evenly over the data set. Default: ${DEFAULT-VALUE}")
    private int images = 8;

    @Option(names = "--draws", paramLabel = "M", description = "What epochs 0 to M - 1 make of each. Default: ${DEFAULT-VALUE}")
    private int draws = 6;

    @Option(names = "--recipe", paramLabel = "NAME", description = "Settings to begin with, as train's.")
    private String recipe;

    @Spec
    private CommandSpec spec;

    private final Map<String, String> flags = new LinkedHashMap<>();

    @Option(names = "--policy", paramLabel = "NAME", description = "Same as --augmentation.")
    private void policy(String name) {
        set("augmentation", name);
    }

    @Option(names = "--size", paramLabel = "PX", description = "Same as --image-size.")
    private void size(String pixels) {
        set("image-size", pixels);
    }

    @Override
    public void set(String name, String value) {
        flags.put(name, value);
    }

    @Override
    public boolean takes(Settings.Row row) {
        return SETTINGS.contains(row.name());
    }

    @Override
    public Integer call() {
        String kind = kind();
        TrainConfig config = ResolvedConfig.of(recipe, null, flags).config();
        Transform.Train transform = Experiment.transform(config, Stage.of(config).getLast());
        long cells = (long) images * (draws + 1);
        if (images < 1 || draws < 0 || cells > MOST_CELLS || cells * transform.size() * transform.size() > MOST_PIXELS) {
            throw new CallerException("data show", "the sheet is empty or too large", images + " pictures with " + draws + " draws of " + transform.size() + " pixels",
                    "at least a picture, at most " + MOST_CELLS + " cells and " + MOST_PIXELS + " pixels", "give other --images, --draws or --size");
        }
        ContactSheet sheet;
        try (ImageSource source = source(config.data()); Preview preview = new Preview(source, transform, config.optimization().seed())) {
            sheet = sheet(config, source, preview, transform);
        }
        write(kind.equals("png") ? sheet.png() : sheet.html());
        PrintWriter text = spec.commandLine().getOut();
        text.println(out + ": " + sheet.title());
        if (config.data().mixup() > 0 || config.data().cutmix() > 0) {
            text.println("mixup and cutmix of the recipe take place later, on the device, and are not shown");
        }
        return Main.DONE;
    }

    /** What is to be written, known before anything is computed. */
    private String kind() {
        String name = String.valueOf(out.getFileName()).toLowerCase(Locale.ROOT);
        String kind = name.substring(name.lastIndexOf('.') + 1);
        if (!kind.equals("png") && !kind.equals("html")) {
            throw new CallerException("--out", "unknown kind of sheet", out.toString(), "a name that ends in .png or .html", "give it such an ending");
        }
        return kind;
    }

    private static ImageSource source(TrainConfig.Data d) {
        return d.generated() ? new GeneratedImages(Generated.SEED, GeneratedImages.Split.TRAIN, Math.max(d.generatedTrain(), 1)) : ImageSource.open(d.train());
    }

    private ContactSheet sheet(TrainConfig config, ImageSource source, Preview preview, Transform.Train transform) {
        int rows = Math.min(images, source.size());
        List<List<ContactSheet.Cell>> cells = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            int sample = (int) ((long) row * source.size() / rows);
            List<ContactSheet.Cell> line = new ArrayList<>();
            Preview.Original original = preview.original(sample, transform.size());
            line.add(new ContactSheet.Cell(original.picture(), List.of(source.classes().get(source.label(sample)), file(source.name(sample)),
                    original.width() + "x" + original.height() + ", no. " + sample)));
            for (int epoch = 0; epoch < draws; epoch++) {
                Preview.Draw draw = preview.draw(sample, epoch);
                line.add(new ContactSheet.Cell(draw.picture(), caption(draw, config)));
            }
            cells.add(line);
        }
        return new ContactSheet(title(config, rows), transform.size(), cells);
    }

    /** The last part of a sample's name. */
    private static String file(String name) {
        return name.substring(Math.max(name.lastIndexOf('/'), name.lastIndexOf('!')) + 1);
    }

    private static List<String> caption(Preview.Draw draw, TrainConfig config) {
        List<String> lines = new ArrayList<>();
        lines.add(draw.width() + "x" + draw.height() + "+" + draw.x() + "+" + draw.y() + (draw.mirrored() ? ", mirrored" : ""));
        if (draw.policy() >= 0) {
            lines.add("sub-policy " + draw.policy());
        }
        draw.applied().forEach(a -> lines.add(text(a)));
        if (draw.applied().isEmpty() && config.data().augmentation() != TrainConfig.AugmentationPolicy.NONE) {
            lines.add("no operation");
        }
        return lines;
    }

    /** {@code ShearY -4}; operations without a level have none. */
    private static String text(Preview.Applied a) {
        StringBuilder name = new StringBuilder();
        for (String word : a.operation().name().split("_")) {
            name.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
        }
        return switch (a.operation()) {
            case AUTO_CONTRAST, EQUALIZE, INVERT -> name.toString();
            default -> name + " " + (a.level() == Math.rint(a.level()) ? String.valueOf((int) a.level()) : String.format(Locale.ROOT, "%.2f", a.level()));
        };
    }

    private String title(TrainConfig config, int rows) {
        String operations = said(config, "augmentation-arithmetic") + ", " + said(config, "augmentation-outside");
        String how = switch (config.data().augmentation()) {
            case NONE -> "";
            case AUTOAUGMENT -> " (" + operations + ")";
            case RANDAUGMENT -> " (" + said(config, "randaugment-layers") + " layers, magnitude " + said(config, "randaugment-magnitude") + ", " + operations + ")";
        };
        return "%d pictures of %s, %d draws each, seed %s: augmentation %s%s, %s crop of %s to %s of the area, %s, %d px".formatted(rows,
                config.data().generated() ? "the built-in generator" : file(config.data().train()), draws, said(config, "seed"), said(config, "augmentation"), how,
                said(config, "crop-sampling"), said(config, "min-scale"), said(config, "max-scale"), said(config, "interpolation"), Stage.of(config).getLast().imageSize());
    }

    private static String said(TrainConfig config, String setting) {
        return Settings.rows().stream().filter(r -> r.name().equals(setting)).findFirst().orElseThrow().text(config);
    }

    private void write(byte[] sheet) {
        try {
            if (out.toAbsolutePath().getParent() != null) {
                Files.createDirectories(out.toAbsolutePath().getParent());
            }
            Files.write(out, sheet);
        } catch (IOException e) {
            throw new CallerException("--out", "the sheet cannot be written", e.toString(), "a file in a folder that can be written to", "give another path", e);
        }
    }
}
