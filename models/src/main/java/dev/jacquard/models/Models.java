package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.CallerException;
import java.util.Comparator;
import java.util.List;

/** The registry of models. What is listed here is what the command line, the tests and the file inspector know. */
public final class Models {
    private static final String RESNET = "He et al. 2016, arXiv:1512.03385; v1.5 and names as in torchvision";

    private static final List<ModelRow> ROWS = List.of(
            resnet("resnet18", ResNet.Config.of(ResNet.Block.BASIC, 2, 2, 2, 2)),
            resnet("resnet34", ResNet.Config.of(ResNet.Block.BASIC, 3, 4, 6, 3)),
            resnet("resnet50", ResNet.Config.of(ResNet.Block.BOTTLENECK, 3, 4, 6, 3)));

    private Models() {}

    private static ModelRow resnet(String name, ResNet.Config config) {
        return new ModelRow(name, classes -> new ResNet(config, classes), 224, 1000, Preprocessing.IMAGENET, "fc", RESNET);
    }

    /** All models. */
    public static List<ModelRow> rows() {
        return ROWS;
    }

    /** Names of all models. */
    public static List<String> names() {
        return ROWS.stream().map(ModelRow::name).toList();
    }

    /** The row of a name. @throws CallerException if there is none, with the nearest name there is */
    public static ModelRow row(String name) {
        return ROWS.stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow(() -> {
            String nearest = names().stream().min(Comparator.comparingInt(n -> distance(n, name))).orElseThrow();
            return new CallerException("model", "unknown name", "'" + name + "'", "one of " + names(), "did you mean " + nearest + "?");
        });
    }

    /** A model. @param classes number of logits, 1 or more */
    public static Module create(String name, int classes) {
        ModelRow row = row(name);
        if (classes < 1) {
            throw new CallerException("model", "number of classes out of range", Integer.toString(classes), "1 or more", "check the number of classes");
        }
        return row.create().apply(classes);
    }

    /** Levenshtein's edit distance: insertions, deletions and replacements that turn one text into the other, capitals not counting. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                boolean same = Character.toLowerCase(a.charAt(i - 1)) == Character.toLowerCase(b.charAt(j - 1));
                int replaced = diagonal + (same ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
