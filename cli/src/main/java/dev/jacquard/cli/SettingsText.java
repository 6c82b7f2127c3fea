package dev.jacquard.cli;

import dev.jacquard.train.Recipes;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.ResolvedConfig.Origin;
import dev.jacquard.train.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A configuration as people read it: what was said, by whom, and what was left at its default. */
final class SettingsText {
    private static final int WIDTH = 120;

    private SettingsText() {}

    /** Recipe, settings with their origins group by group, then the defaults. */
    static String of(ResolvedConfig c) {
        StringBuilder text = new StringBuilder("recipe  ").append(c.recipe()).append('\n');
        Recipes.about(c.recipe()).forEach(about -> text.append("        ").append(about).append('\n'));
        String group = "";
        for (Settings.Row r : c.said()) {
            if (!r.group().getName().equals(group)) {
                group = r.group().getName();
                text.append(group).append('\n');
            }
            text.append(String.format(Locale.ROOT, "  %-24s %-24s %s%n", r.name(), shown(r, c), c.origins().get(r.name()).name().toLowerCase(Locale.ROOT)));
        }
        List<String> rest = Settings.rows().stream().filter(r -> c.origins().get(r.name()) == Origin.DEFAULT).map(r -> r.name() + " " + shown(r, c)).toList();
        wrapped(rest).forEach(line -> text.append(line).append('\n'));
        return text.toString();
    }

    private static String shown(Settings.Row r, ResolvedConfig c) {
        String value = r.text(c.config());
        return value.isEmpty() ? "-" : value;
    }

    private static List<String> wrapped(List<String> words) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder("default ");
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i) + (i + 1 < words.size() ? "," : "");
            if (line.length() + word.length() + 1 > WIDTH) {
                lines.add(line.toString());
                line = new StringBuilder("       ");
            }
            line.append(line.toString().endsWith(" ") && lines.isEmpty() && i == 0 ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
