package dev.jacquard.cli;

import dev.jacquard.train.Setting;
import dev.jacquard.train.Settings;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;

/** The flags of a command that takes settings of a run, made from their table: one per setting, its other names, and its shorthands. */
final class SettingOptions implements IModelTransformer {
    /** A command that wants to know which settings were typed. */
    interface Receiver {
        /** Takes a value as text. @param name the setting's */
        void set(String name, String value);

        /** Whether the command has a flag for a setting; all, unless it says otherwise. */
        default boolean takes(Settings.Row row) {
            return true;
        }
    }

    @Override
    public CommandSpec transform(CommandSpec spec) {
        Receiver receiver = (Receiver) spec.userObject();
        Map<String, List<Settings.Row>> groups = Settings.rows().stream().filter(receiver::takes)
                .collect(Collectors.groupingBy(r -> r.group().getName(), LinkedHashMap::new, Collectors.toList()));
        groups.forEach((name, rows) -> {
            ArgGroupSpec.Builder group = ArgGroupSpec.builder().heading("%n" + title(rows.getFirst().group()) + ":%n").validate(false);
            rows.forEach(r -> options(r, receiver).forEach(group::addArg));
            spec.addArgGroup(group.build());
        });
        return spec;
    }

    private static String title(RecordComponent group) {
        String words = group.getType().getSimpleName().replaceAll("(?<=.)([A-Z])", " $1").toLowerCase(Locale.ROOT);
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    private static List<OptionSpec> options(Settings.Row row, Receiver receiver) {
        Setting s = row.setting();
        List<String> names = new ArrayList<>(List.of(row.flag()));
        names.addAll(List.of(s.aliases()));
        boolean flag = row.type() == boolean.class;
        OptionSpec.Builder option = OptionSpec.builder(names.toArray(String[]::new)).description(s.help().replace("%", "%%") + (flag ? "" : choices(row)))
                .setter(setter(value -> receiver.set(row.name(), String.valueOf(value))));
        if (flag) {
            option.type(Boolean.class).arity("0").negatable(true);
        } else {
            option.type(String.class).arity("1").paramLabel(label(row)); // what a text should be is said by Settings.Row, under the flag's own name
            if (!s.bare().isEmpty()) {
                option.arity("0..1").fallbackValue(s.bare());
            }
        }
        List<OptionSpec> all = new ArrayList<>(List.of(option.build()));
        for (String shorthand : s.shorthands()) {
            String[] parts = shorthand.split("=");
            all.add(OptionSpec.builder(parts[0]).type(Boolean.class).arity("0").description("Same as " + row.flag() + " " + parts[1] + ".")
                    .setter(setter(_ -> receiver.set(row.name(), parts[1]))).build());
        }
        return all;
    }

    private static String choices(Settings.Row row) {
        return row.choices().isEmpty() ? "" : " One of " + String.join(", ", row.choices()) + ".";
    }

    private static String label(Settings.Row row) {
        return switch (row.type().getSimpleName()) {
            case "int", "long" -> "N";
            case "double" -> "X";
            case "List" -> "X,X,...";
            case "String" -> row.name().equals("arch") || row.name().equals("device") ? "NAME" : "PATH";
            default -> "NAME";
        };
    }

    /** picocli resets every option to its initial value, null, before it parses. */
    private static ISetter setter(Consumer<Object> use) {
        return new ISetter() {
            @Override
            public <T> T set(T value) {
                if (value != null) {
                    use.accept(value);
                }
                return value;
            }
        };
    }

    /** Names as users of TensorFlow's system type them, {@code --lr_init}, become ours. */
    static String[] dashes(String[] args) {
        return Arrays.stream(args).map(a -> a.matches("--[a-z0-9]+(_[a-z0-9]+)+(=.*)?") ? a.replaceFirst("=.*", "").replace('_', '-') + a.replaceFirst("^[^=]*", "") : a)
                .toArray(String[]::new);
    }
}
