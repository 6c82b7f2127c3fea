package dev.jacquard.cli;

import dev.jacquard.train.Recipes;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.ResolvedConfig.Origin;
import dev.jacquard.train.Settings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A configuration as people read it, on one screen: what flags, mode, recipe and architecture said, and what was left at its default. */
final class SettingsText {
    private static final int WIDTH = 130;
    private static final int INDENT = 16;

    private SettingsText() {}

    /** Every setting, by who said it, the last word first. */
    static String of(ResolvedConfig c) {
        StringBuilder text = new StringBuilder("recipe  ").append(c.recipe()).append('\n');
        Recipes.about(c.recipe()).forEach(about -> text.append("        ").append(about).append('\n'));
        for (Origin origin : List.of(Origin.FLAG, Origin.MODE, Origin.RECIPE, Origin.ARCHITECTURE, Origin.DEFAULT)) {
            Map<String, List<String>> groups = Settings.rows().stream().filter(r -> c.origins().get(r.name()) == origin)
                    .collect(Collectors.groupingBy(r -> r.group().getName(), LinkedHashMap::new, Collectors.mapping(r -> r.name() + " " + shown(r, c), Collectors.toList())));
            if (!groups.isEmpty()) {
                text.append(title(origin)).append('\n');
                groups.forEach((name, settings) -> wrapped(name, settings).forEach(line -> text.append(line).append('\n')));
            }
        }
        return text.toString();
    }

    private static String title(Origin origin) {
        return switch (origin) {
            case FLAG -> "from flags";
            case DEFAULT -> "at their defaults";
            default -> "from the " + origin.name().toLowerCase(Locale.ROOT);
        };
    }

    private static String shown(Settings.Row r, ResolvedConfig c) {
        String value = r.text(c.config());
        return value.isEmpty() ? "-" : value;
    }

    private static List<String> wrapped(String group, List<String> settings) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder("  " + group).repeat(' ', INDENT - 2 - group.length());
        for (int i = 0; i < settings.size(); i++) {
            String word = settings.get(i) + (i + 1 < settings.size() ? "," : "");
            if (line.length() > INDENT && line.length() + 1 + word.length() > WIDTH) {
                lines.add(line.toString());
                line = new StringBuilder().repeat(' ', INDENT);
            }
            line.append(line.length() > INDENT ? " " : "").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
