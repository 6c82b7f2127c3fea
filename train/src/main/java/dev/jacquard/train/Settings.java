package dev.jacquard.train;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.EngineBugException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The table of all settings, read off {@link TrainConfig}: their names, values as text and as JSON, and their checks. */
public final class Settings {
    private static final List<Row> ROWS = rowsOfConfig();
    private static final Map<String, Row> BY_NAME = ROWS.stream().collect(Collectors.toUnmodifiableMap(Row::name, Function.identity()));

    private Settings() {}

    /**
     * One setting.
     *
     * @param group the component of {@link TrainConfig} that it belongs to
     * @param component of the group's record
     * @param setting what is said of it there
     */
    public record Row(RecordComponent group, RecordComponent component, Setting setting) {
        /** Key in recipes and files. */
        public String name() {
            return setting.name();
        }

        /** Flag of the command line. */
        public String flag() {
            return "--" + setting.name();
        }

        /** Type of the value. */
        public Class<?> type() {
            return component.getType();
        }

        /** Values to choose from; empty unless the type is an enum. */
        public List<String> choices() {
            return type().isEnum() ? Arrays.stream(type().getEnumConstants()).map(Settings::text).toList() : List.of();
        }

        /** Default value. */
        Object initial() {
            return parse(setting.value());
        }

        /** Whether a file may lack it and means the default: it has one, and no number of the run follows from it. Files of versions that did not have the setting are read so. */
        boolean mayLack() {
            return setting.mayChange() && !setting.value().isEmpty();
        }

        /** Value in a configuration, as it is typed; empty if there is none. */
        public String text(TrainConfig config) {
            return Settings.text(get(config));
        }

        /** Value in a configuration. */
        Object get(TrainConfig config) {
            return read(component, read(group, config));
        }

        /** Value of a text, within the range. @throws CallerException naming the flag */
        Object parse(String text) {
            Object value;
            try {
                value = value(text);
            } catch (IllegalArgumentException _) {
                throw new CallerException(flag(), "no such value", "'" + text + "'", expected(), "give another value");
            }
            check(value);
            return value;
        }

        private Object value(String text) {
            return switch (type().getSimpleName()) {
                case "int" -> Integer.parseInt(text);
                case "long" -> Long.parseLong(text);
                case "double" -> Double.parseDouble(text);
                case "boolean" -> switch (text) {
                    case "true" -> true;
                    case "false" -> false;
                    default -> throw new IllegalArgumentException();
                };
                case "String" -> text.isEmpty() ? null : text;
                case "List" -> text.isEmpty() ? List.of() : Arrays.stream(text.split(",", -1)).map(Double::parseDouble).toList();
                default -> Arrays.stream(type().getEnumConstants()).filter(c -> plain(Settings.text(c)).equals(plain(text))).findFirst().orElseThrow(IllegalArgumentException::new);
            };
        }

        /** "linearcosine" is "linear-cosine" to whoever types it. */
        private static String plain(String word) {
            return word.toLowerCase(Locale.ROOT).replaceAll("[-_]", "");
        }

        /** Whether a text is of the setting's type, in range or not. */
        public boolean readable(String text) {
            try {
                value(text);
                return true;
            } catch (IllegalArgumentException _) {
                return false;
            }
        }

        /** What a text should be, in words. */
        public String expected() {
            return switch (type().getSimpleName()) {
                case "int", "long" -> "a whole number";
                case "double" -> "a number";
                case "boolean" -> "true or false";
                case "List" -> "numbers with commas between them";
                default -> "one of " + String.join(", ", choices());
            };
        }

        /** @throws CallerException if the value is out of range */
        void check(Object value) {
            Interval interval = Interval.of(setting.range());
            for (Object each : value instanceof List<?> l ? l : Collections.singletonList(value)) {
                if (each instanceof Number n && !interval.contains(n.doubleValue())) {
                    throw new CallerException(flag(), "out of range", Settings.text(value), interval.words(), "give another value");
                }
            }
        }

        JsonElement json(Object value) {
            return switch (value) {
                case null -> JsonNull.INSTANCE;
                case Boolean b -> new JsonPrimitive(b);
                case Number n -> new JsonPrimitive(n);
                case List<?> l -> l.stream().map(v -> (JsonElement) new JsonPrimitive((Number) v)).collect(JsonArray::new, JsonArray::add, JsonArray::addAll);
                default -> new JsonPrimitive(Settings.text(value));
            };
        }

        /** Value of a JSON literal. @throws JsonParseException if it is of another kind */
        Object parse(JsonElement json) {
            if (json.isJsonNull() && type() == String.class) {
                return null;
            }
            if (json.isJsonArray() && type() == List.class) {
                return parse(json.getAsJsonArray().asList().stream().map(JsonElement::getAsString).collect(Collectors.joining(",")));
            }
            boolean number = type() == int.class || type() == long.class || type() == double.class;
            if (!(json instanceof JsonPrimitive p) || number != p.isNumber() || p.isBoolean() != (type() == boolean.class)) {
                throw new JsonParseException(name() + " is " + json);
            }
            return parse(p.getAsString());
        }
    }

    /** An interval of numbers as {@link Setting#range} writes it. */
    record Interval(double least, boolean withLeast, double most, boolean withMost) {
        static Interval of(String text) {
            if (text.isEmpty()) {
                return new Interval(Double.NEGATIVE_INFINITY, false, Double.POSITIVE_INFINITY, false);
            }
            String[] ends = text.substring(1, text.length() - 1).split(",");
            boolean open = ends[1].isBlank();
            return new Interval(Double.parseDouble(ends[0]), text.startsWith("["), open ? Double.POSITIVE_INFINITY : Double.parseDouble(ends[1].strip()),
                    !open && text.endsWith("]"));
        }

        boolean contains(double x) {
            return (withLeast ? x >= least : x > least) && (withMost ? x <= most : x < most);
        }

        /** As a user reads it. */
        String words() {
            String from = (withLeast ? "" : "above ") + text(least);
            if (most == Double.POSITIVE_INFINITY) {
                return least == Double.NEGATIVE_INFINITY ? "a finite number" : withLeast ? "at least " + text(least) : from;
            }
            return from + (withMost ? " to " : " to below ") + text(most);
        }
    }

    /** All settings, in the order of the groups. */
    public static List<Row> rows() {
        return ROWS;
    }

    /** A setting by its name. */
    static Optional<Row> find(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /** A setting by its name. @throws CallerException if there is none */
    static Row row(String name) {
        return find(name).orElseThrow(() -> new CallerException("setting", "unknown name", "'" + name + "'", "one of " + BY_NAME.keySet().stream().sorted().toList(),
                "check the spelling"));
    }

    private static List<Row> rowsOfConfig() {
        List<Row> rows = new ArrayList<>();
        for (RecordComponent group : TrainConfig.class.getRecordComponents()) {
            for (RecordComponent c : group.getType().getRecordComponents()) {
                rows.add(new Row(group, c, Objects.requireNonNull(c.getAnnotation(Setting.class), () -> c + " is no setting")));
            }
        }
        return List.copyOf(rows);
    }

    /** A value as text, as it is typed and printed: words in lower case, numbers without a needless ".0". */
    static String text(Object value) {
        return switch (value) {
            case null -> "";
            case Double d -> number(d);
            case Enum<?> e -> e.name().toLowerCase(Locale.ROOT).replace('_', '-');
            case List<?> l -> l.stream().map(Settings::text).collect(Collectors.joining(","));
            default -> value.toString();
        };
    }

    private static String number(double d) {
        return Double.toString(d).replaceFirst("\\.0(?=E|$)", "").replace('E', 'e');
    }

    /** A configuration of values by name. */
    static TrainConfig config(Map<String, Object> values) {
        List<Object> groups = new ArrayList<>();
        for (RecordComponent group : TrainConfig.class.getRecordComponents()) {
            groups.add(make(group.getType(), ROWS.stream().filter(r -> r.group.getName().equals(group.getName())).map(r -> values.get(r.name())).toArray()));
        }
        return (TrainConfig) make(TrainConfig.class, groups.toArray());
    }

    /** Values of a configuration by name. */
    static Map<String, Object> values(TrainConfig config) {
        Map<String, Object> values = new LinkedHashMap<>();
        ROWS.forEach(r -> values.put(r.name(), r.get(config)));
        return values;
    }

    static TrainConfig with(TrainConfig config, String name, Object value) {
        Map<String, Object> values = values(config);
        values.put(name, row(name).parse(text(value)));
        return config(values);
    }

    /** @throws CallerException if a value is out of its range */
    static void validate(TrainConfig config) {
        ROWS.forEach(r -> r.check(r.get(config)));
    }

    /** What a continuation must have in common, as one line. */
    static String identity(TrainConfig config) {
        return ROWS.stream().filter(r -> !r.setting.mayChange()).map(r -> r.name() + "=" + text(r.get(config))).collect(Collectors.joining(" "));
    }

    /** An object of groups of settings, as {@code config.json} has it. */
    public static String json(TrainConfig config) {
        JsonObject all = new JsonObject();
        for (Row r : ROWS) {
            String group = r.group.getName();
            if (!all.has(group)) {
                all.add(group, new JsonObject());
            }
            all.getAsJsonObject(group).add(r.name(), r.json(r.get(config)));
        }
        return Json.pretty(all);
    }

    /** Reads what {@link #json} wrote, or wrote in an earlier version. @throws DataException if a setting is missing that may not be, unknown or of another kind */
    static TrainConfig read(String file, String text) {
        try {
            JsonObject all = Json.parse(text, JsonObject.class);
            if (all == null) {
                throw new JsonParseException("empty");
            }
            Map<String, Object> values = new LinkedHashMap<>();
            for (Row r : ROWS) {
                JsonElement value = all.get(r.group.getName()) instanceof JsonObject g ? g.get(r.name()) : null;
                if (value == null && !r.mayLack()) {
                    throw new JsonParseException(r.group.getName() + "." + r.name() + " is missing");
                }
                values.put(r.name(), value == null ? r.initial() : r.parse(value));
            }
            all.entrySet().forEach(g -> unknown(g.getKey(), g.getValue()));
            return config(values);
        } catch (JsonParseException | ClassCastException e) {
            throw new DataException(file, "not a run's configuration", Json.oneLine(e), "the JSON that train writes", "restore the file, or start another run", e);
        }
    }

    private static void unknown(String group, JsonElement settings) {
        if (!(settings instanceof JsonObject o)) {
            throw new JsonParseException(group + " is no group of settings");
        }
        o.keySet().forEach(name -> find(name).filter(r -> r.group.getName().equals(group)).orElseThrow(() -> new JsonParseException(group + "." + name + " is no setting")));
    }

    private static Object read(RecordComponent component, Object record) {
        try {
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw bug(component.toString(), e);
        }
    }

    private static Object make(Class<?> record, Object[] values) {
        Class<?>[] types = Arrays.stream(record.getRecordComponents()).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            return record.getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw bug(record.getSimpleName(), e);
        }
    }

    private static EngineBugException bug(String what, Exception e) {
        return new EngineBugException("settings", "a record does not take its values", what, "a record of settings", "please report this", e);
    }
}
