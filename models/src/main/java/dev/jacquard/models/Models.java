package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.CallerException;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The registry of models. What is listed here is what the command line, the tests and the file inspector know. */
public final class Models {
    private static final List<ModelRow> ROWS = Stream.of(ResNet.rows(), EfficientNet.rows()).flatMap(List::stream).toList();

    private Models() {}

    /** All models. */
    public static List<ModelRow> rows() {
        return ROWS;
    }

    /** Names of all models. */
    public static List<String> names() {
        return ROWS.stream().map(ModelRow::name).toList();
    }

    /** The row of a name or an alias. @throws CallerException if there is none, with the nearest name there is */
    public static ModelRow row(String name) {
        return ROWS.stream().filter(r -> r.name().equals(name) || r.aliases().contains(name)).findFirst().orElseThrow(() -> {
            String nearest = names().stream().min(Comparator.comparingInt(n -> distance(n, name))).orElseThrow();
            return new CallerException("model", "unknown name", "'" + name + "'", "one of " + names(), "did you mean " + nearest + "?");
        });
    }

    /** A model with its row's own options. @param classes number of logits, 1 or more */
    public static Module create(String name, int classes) {
        return row(name).create(classes);
    }

    /** A model. */
    public static Module create(String name, ModelOptions options) {
        return row(name).create(options);
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
