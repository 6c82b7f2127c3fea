package dev.jacquard.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.train.Recipes;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.Settings;
import dev.jacquard.train.TrainConfig;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code jacquard recipes}. */
@Command(name = "recipes", description = "Lists the recipes that train --recipe begins with; with a name, every setting of one.", sortOptions = false)
final class RecipesCommand implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", arity = "0..1", description = "A recipe to show.")
    private String name;

    @Option(names = "--json", description = "As JSON: an array of names with settings, or the settings of the one.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (name != null) {
            out.print(json ? Settings.json(Recipes.get(name)) : SettingsText.of(ResolvedConfig.of(name, null, Map.of())));
        } else if (json) {
            out.println(new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(all()));
        } else {
            out.printf("%-52s %6s %10s %6s %5s %7s %-9s %-8s %-12s %5s %s%n", "recipe", "epochs", "lr", "batch", "gpus", "update", "precision", "optimizer", "augmentation",
                    "mixup", "image");
            Recipes.names().forEach(n -> out.println(line(n, Recipes.get(n))));
        }
        return Main.DONE;
    }

    private static JsonArray all() {
        JsonArray all = new JsonArray();
        for (String n : Recipes.names()) {
            JsonObject o = new JsonObject();
            o.addProperty("name", n);
            o.add("config", JsonParser.parseString(Settings.json(Recipes.get(n))));
            all.add(o);
        }
        return all;
    }

    private static String line(String n, TrainConfig c) {
        TrainConfig.Precision p = c.precision();
        String precision = (p.amp() != TrainConfig.Amp.OFF ? p.amp().toString() : p.tf32() != BackendOptions.Tf32.OFF ? "tf32" : "fp32").toLowerCase(Locale.ROOT);
        return String.format(Locale.ROOT, "%-52s %6d %10s %6d %5d %,7d %-9s %-8s %-12s %5s %d", n, c.schedule().epochs(), DryRun.digits(c.peakLr()), c.batch().size(),
                c.batch().gpus(), c.batch().global(), precision,
                c.optimization().rule().toString().toLowerCase(Locale.ROOT), c.data().augmentation().toString().toLowerCase(Locale.ROOT), c.data().mixup() == 0 ? "-"
                : c.data().mixup(), c.data().imageSize());
    }
}
