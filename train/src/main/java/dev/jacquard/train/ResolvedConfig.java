package dev.jacquard.train;

import dev.jacquard.data.Interpolation;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.ModelRow;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.CallerException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A configuration, and who said what: the default, the architecture, the recipe, the mode or a flag, in rising order of precedence.
 *
 * @param recipe name of the recipe that it began with
 * @param config all settings
 * @param origins who said the value of each setting, by its name
 */
public record ResolvedConfig(String recipe, TrainConfig config, Map<String, Origin> origins) {
    /** Who said a value, the last one having the last word. */
    public enum Origin { DEFAULT, ARCHITECTURE, RECIPE, MODE, FLAG }

    /** Takes a copy. */
    public ResolvedConfig {
        origins = Map.copyOf(origins);
    }

    /**
     * Puts the layers over each other.
     *
     * @param recipe its name; null for what train does by default with or without {@code data} among the flags
     * @param mode its name, or null
     * @param flags texts of values by the settings' names
     * @throws CallerException if a name is unknown or a value does not fit
     */
    public static ResolvedConfig of(String recipe, String mode, Map<String, String> flags) {
        Map<String, Object> given = new LinkedHashMap<>();
        flags.forEach((name, text) -> given.put(name, Settings.row(name).parse(text)));
        Recipes.Recipe base = Recipes.recipe(recipe != null ? recipe : given.get("data") != null ? Recipes.IMAGES : Recipes.GENERATED);
        Map<String, Object> values = new LinkedHashMap<>();
        Map<String, Origin> origins = new LinkedHashMap<>();
        Settings.rows().forEach(r -> put(values, origins, r.name(), r.initial(), Origin.DEFAULT));
        ModelRow row = Models.row((String) given.getOrDefault("arch", base.values().getOrDefault("arch", values.get("arch"))));
        architecture(row).forEach((name, value) -> put(values, origins, name, value, Origin.ARCHITECTURE));
        base.values().forEach((name, value) -> put(values, origins, name, value, Origin.RECIPE));
        if (mode != null) {
            Recipes.mode(mode).values().forEach((name, value) -> put(values, origins, name, value, Origin.MODE));
        }
        given.forEach((name, value) -> put(values, origins, name, value, Origin.FLAG));
        values.put("arch", row.name()); // and not an alias
        fit(values, origins);
        return new ResolvedConfig(base.name(), Settings.config(values).validate(), origins);
    }

    private static void put(Map<String, Object> values, Map<String, Origin> origins, String name, Object value, Origin origin) {
        values.put(name, value);
        origins.put(name, origin);
    }

    /** A warm-up that nobody typed is not longer than a run that somebody made short; Nesterov's momentum that nobody typed is none of another optimizer. */
    private static void fit(Map<String, Object> values, Map<String, Origin> origins) {
        double epochs = (Integer) values.get("epochs");
        if (origins.get("warmup-epochs") != Origin.FLAG && (Double) values.get("warmup-epochs") > epochs) {
            put(values, origins, "warmup-epochs", epochs, origins.get("epochs"));
        }
        boolean sgd = values.get("optimizer") == TrainConfig.UpdateRule.SGD;
        if (origins.get("nesterov") != Origin.FLAG && (!sgd || (Double) values.get("momentum") == 0)) {
            put(values, origins, "nesterov", false, (Boolean) values.get("nesterov") ? origins.get(sgd ? "momentum" : "optimizer") : origins.get("nesterov"));
        }
    }

    /** What an architecture is trained with unless something else is said. */
    private static Map<String, Object> architecture(ModelRow row) {
        ModelOptions o = row.defaults();
        return Map.ofEntries(Map.entry("arch", row.name()), Map.entry("padding", o.padding()), Map.entry("initialization", o.initialization()),
                Map.entry("bn-momentum", o.normMomentum()),
                Map.entry("bn-epsilon", o.normEps()), Map.entry("dropout", o.dropout()), Map.entry("survival", o.survival()), Map.entry("drop-path", o.dropPath()),
                Map.entry("zero-last-norm", o.zeroLastNorm()), Map.entry("image-size", row.resolution()),
                Map.entry("interpolation", Interpolation.valueOf(row.preprocessing().interpolation().name())));
    }

    /** The same with the number of classes that the data set has. */
    public ResolvedConfig withClasses(int n) {
        return new ResolvedConfig(recipe, config.withClasses(n), origins);
    }

    /** Settings that are not at their default, in the order of the table. */
    public List<Settings.Row> said() {
        return Settings.rows().stream().filter(r -> origins.get(r.name()) != Origin.DEFAULT).toList();
    }
}
