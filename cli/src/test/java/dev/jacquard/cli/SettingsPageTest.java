package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.train.Recipes;
import dev.jacquard.train.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** docs/settings.md is the table of settings; {@code -Dupdate} writes it. */
class SettingsPageTest {
    private static final Path PAGE = Path.of("../docs/settings.md");

    private static String page() {
        StringBuilder page = new StringBuilder("""
                # Settings of a run

                Flags of `./jacquard train`, keys of `config.json` and of `train/src/main/resources/dev/jacquard/train/recipes.json`. Written by `SettingsPageTest -Dupdate` from `TrainConfig`; change that.

                A value is the default's, or the architecture's, or the recipe's (`--recipe`, see `./jacquard recipes`), or the mode's (`--mode`: %s), or the flag's: the last one has the last word.
                `--dry-run` says who had it. What a resumed run may change is marked with *.
                """.formatted(String.join(", ", Recipes.modes())));
        String group = "";
        for (Settings.Row r : Settings.rows()) {
            if (!r.group().getName().equals(group)) {
                group = r.group().getName();
                page.append("\n## ").append(group).append("\n\n| flag | default | values | what it is |\n|---|---|---|---|\n");
            }
            List<String> names = new ArrayList<>(List.of("`" + r.flag() + "`" + (r.setting().mayChange() ? "*" : "")));
            List.of(r.setting().aliases()).forEach(a -> names.add("`" + a + "`"));
            List.of(r.setting().shorthands()).forEach(s -> names.add("`" + s.substring(0, s.indexOf('=')) + "`"));
            page.append("| ").append(String.join(", ", names)).append(" | ").append(r.setting().value()).append(" | ").append(values(r)).append(" | ").append(r.setting().help())
                    .append(" |\n");
        }
        return page.toString();
    }

    private static String values(Settings.Row r) {
        if (!r.choices().isEmpty()) {
            return String.join(", ", r.choices());
        }
        return r.type() == boolean.class ? "on, or off with `--no-`" : r.setting().range();
    }

    @Test
    void thePageIsTheOneThatIsCommitted() throws IOException {
        String text = page();
        if (System.getProperty("update") != null) {
            Files.writeString(PAGE, text);
        }
        assertEquals(text, Files.exists(PAGE) ? Files.readString(PAGE) : "", "docs/settings.md: run this test with -Dupdate");
    }
}
