package dev.jacquard.train;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.EngineBugException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Named sets of settings, from {@code recipes.json}: a recipe names layers and adds its own values; later ones go before earlier ones. The names say system, network, platform and
 * precision: {@code pytorch/resnet50/a100-amp-90e}. A mode ({@code convergence}, {@code benchmark-training}, ...) is put over any recipe.
 */
public final class Recipes {
    /** What {@code train} does without data. */
    public static final String GENERATED = "jacquard/resnet18/generated";
    /** Where {@code train --data} begins. */
    public static final String IMAGES = "jacquard/resnet50/images";

    private static final JsonObject ALL = load();

    private Recipes() {}

    /**
     * A recipe.
     *
     * @param name system/network/variant
     * @param about what is to be known about it, a sentence from each of its layers
     * @param values settings by name, its own and those of its layers
     */
    record Recipe(String name, List<String> about, Map<String, Object> values) {}

    /** Names of all recipes, in the order of the file. */
    public static List<String> names() {
        return List.copyOf(ALL.getAsJsonObject("recipes").keySet());
    }

    /** Names of all modes. */
    public static List<String> modes() {
        return List.copyOf(ALL.getAsJsonObject("modes").keySet());
    }

    /** The configuration of a recipe. @throws CallerException if there is none of the name */
    public static TrainConfig get(String name) {
        return ResolvedConfig.of(name, null, Map.of()).config();
    }

    /** What is to be known about a recipe besides its values. */
    public static List<String> about(String name) {
        return recipe(name).about;
    }

    static Recipe recipe(String name) {
        return read("recipes", "--recipe", name);
    }

    static Recipe mode(String name) {
        return read("modes", "--mode", name);
    }

    private static Recipe read(String section, String flag, String name) {
        JsonObject rows = ALL.getAsJsonObject(section);
        if (!rows.has(name)) {
            List<String> names = List.copyOf(rows.keySet());
            List<String> near = names.stream().filter(n -> n.contains(name) || name.contains(n)).toList();
            throw new CallerException(flag, "unknown name", "'" + name + "'", near.isEmpty() ? names.size() + " names" : "one of " + String.join(", ", near),
                    section.equals("modes") ? "choose one of " + String.join(", ", names) : "./jacquard recipes lists them all");
        }
        List<String> about = new ArrayList<>();
        Map<String, Object> values = new LinkedHashMap<>();
        collect(rows.getAsJsonObject(name), about, values);
        return new Recipe(name, List.copyOf(about), values);
    }

    private static void collect(JsonObject row, List<String> about, Map<String, Object> values) {
        if (row.has("from")) {
            row.getAsJsonArray("from").forEach(l -> collect(ALL.getAsJsonObject("layers").getAsJsonObject(l.getAsString()), about, values));
        }
        if (row.has("about")) {
            about.add(row.get("about").getAsString());
        }
        for (Map.Entry<String, JsonElement> e : row.getAsJsonObject("set").entrySet()) {
            values.put(e.getKey(), Settings.row(e.getKey()).parse(e.getValue()));
        }
    }

    private static JsonObject load() {
        try (InputStream in = Recipes.class.getResourceAsStream("recipes.json")) {
            return Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), JsonObject.class);
        } catch (IOException e) {
            throw new EngineBugException("recipes", "recipes.json cannot be read", e.toString(), "a resource", "please report this", e);
        }
    }
}
