package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.train.Recipes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the dry run of every recipe says is what the published tables say, cell by cell. The cells were typed for this test alone. */
class RecipeTableTest {
    private static final Path RESOURCES = Path.of("src/test/resources/dev/jacquard/cli");
    /** What a recipe is made of: each of them must be somewhere in the tables for every published recipe. */
    private static final List<String> ESSENTIAL = List.of("arch", "batch", "gpus", "epochs", "lr", "lr-schedule", "lr-scaling", "lr-convention", "warmup-epochs", "optimizer",
            "optimizer-form", "momentum",
            "weight-decay", "decay-rule", "label-smoothing", "smooth-eval-loss", "mixup", "augmentation", "image-size", "interpolation", "eval-rule", "min-scale", "amp",
            "padding", "initialization", "bn-momentum", "bn-epsilon", "grad-clip-norm");

    /** What a dry run says besides the settings: the largest learning rate, the network's parameters, steps and updates per epoch. */
    private static final Map<String, Pattern> DERIVED = Map.of("peak", Pattern.compile("\nlr +largest ([^;]+);"), "parameters", Pattern.compile("\nnetwork +([0-9,]+) parameters"),
            "steps", Pattern.compile("\nsteps +([0-9,]+) per epoch"), "updates", Pattern.compile("; ([0-9,]+) updates per epoch"));

    /** One cell. */
    private record Cell(String section, String recipes, String setting, String value) {
        boolean of(String recipe) {
            return recipe.matches(Pattern.quote(recipes).replace("*", "\\E.*\\Q"));
        }
    }

    private static List<Cell> cells() throws IOException {
        return Files.readAllLines(RESOURCES.resolve("published-recipes.csv")).stream().filter(l -> !l.startsWith("#")).map(l -> l.split(",", 4))
                .map(f -> new Cell(f[0], f[1], f[2], f[3])).toList();
    }

    /** Settings of a dry run by name, and what follows from them. */
    private static Map<String, String> said(String recipe) throws IOException {
        String text = Files.readString(RESOURCES.resolve("recipes").resolve(recipe + ".txt"));
        Map<String, String> said = new HashMap<>();
        Matcher settings = Pattern.compile("(?:^ {2,}(?:[a-z]+ {2,})?|, |,\\n +)([a-z0-9-]+) ([^ \\n]+?)(?=, |,\\n|\\n)", Pattern.MULTILINE)
                .matcher(text.substring(text.indexOf("\nfrom the "), text.indexOf("\nnetwork ")) + "\n");
        while (settings.find()) {
            assertEquals(null, said.put(settings.group(1), settings.group(2)), recipe + " says " + settings.group(1) + " twice");
        }
        DERIVED.forEach((what, where) -> {
            Matcher m = where.matcher(text);
            if (m.find()) {
                said.put(what, m.group(1).replace(",", ""));
            }
        });
        return said;
    }

    private static boolean same(String a, String b) {
        if (a == null || a.equals(b)) {
            return a != null;
        }
        try {
            return Double.parseDouble(a) == Double.parseDouble(b);
        } catch (NumberFormatException _) {
            return false;
        }
    }

    @Test
    void everyCellIsWhatTheDryRunSays() throws IOException {
        Map<String, Map<String, String>> said = new HashMap<>();
        for (String r : Recipes.names()) {
            said.put(r, said(r));
        }
        List<String> wrong = new ArrayList<>();
        int compared = 0;
        for (Cell c : cells()) {
            List<String> of = Recipes.names().stream().filter(c::of).toList();
            if (of.isEmpty()) {
                wrong.add(c + " is of no recipe");
            }
            for (String r : of) {
                compared++;
                if (!same(said.get(r).get(c.setting), c.value)) {
                    wrong.add(r + ": " + c.setting + " is " + said.get(r).get(c.setting) + ", in " + c.section + " it is " + c.value);
                }
            }
        }
        assertTrue(wrong.isEmpty(), String.join("\n", wrong));
        assertTrue(compared > 5000, compared + " comparisons");
    }

    @Test
    void everyPublishedRecipeIsInTheTables() throws IOException {
        List<Cell> cells = cells();
        List<String> missing = new ArrayList<>();
        for (String r : Recipes.names()) {
            if (!r.startsWith("jacquard/")) {
                TreeSet<String> left = new TreeSet<>(ESSENTIAL);
                cells.stream().filter(c -> c.of(r)).forEach(c -> left.remove(c.setting));
                if (!left.isEmpty()) {
                    missing.add(r + ": nothing to compare with for " + left);
                }
            }
        }
        assertTrue(missing.isEmpty(), String.join("\n", missing));
    }
}
