package dev.jacquard.kernels.catalog;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The comment that a .cu file opens with: what its kernels promise.
 *
 * @param module name of the file without .cu
 * @param fields lines of each field, in the file's order
 */
public record Contract(String module, Map<String, List<String>> fields) {
    /** The fields that every contract has. */
    public static final List<String> REQUIRED =
            List.of("Math", "Contract", "Launch", "Traffic", "Roofline", "Numerics", "Determinism", "CPU twin", "Versions", "Measured");

    /** Fields that a contract has where there is something to say: why a limit is passed on purpose, why another target than compute_75. */
    public static final List<String> OPTIONAL = List.of("Bytes", "Sectors", "Conflicts", "Target");

    private static final Pattern FIELD = Pattern.compile("// ((?:CPU twin|[A-Z][a-z]+)) {2,}(\\S.*)");
    private static final Pattern MORE = Pattern.compile("// {3,}(\\S.*)");
    private static final Pattern BLOCK = Pattern.compile("\\bblocks? (?:of )?\\(?(\\d+)(?:(?: x |x|, )(\\d+))?(?:(?: x |x|, )(\\d+))?");

    /** Copies. */
    public Contract {
        Map<String, List<String>> copy = new LinkedHashMap<>();
        fields.forEach((k, v) -> copy.put(k, List.copyOf(v)));
        fields = java.util.Collections.unmodifiableMap(copy);
    }

    /** Reads the comment at the beginning of a file. @throws IllegalArgumentException if it is none, naming the line */
    public static Contract parse(String module, String source) {
        List<String> lines = source.lines().takeWhile(l -> l.startsWith("//")).toList();
        if (lines.isEmpty() || !lines.getFirst().equals("// " + module + ".cu")) {
            throw new IllegalArgumentException(module + ".cu: the first line is not '// " + module + ".cu'");
        }
        Map<String, List<String>> fields = new LinkedHashMap<>();
        List<String> open = null;
        for (String line : lines.subList(1, lines.size())) {
            Matcher field = FIELD.matcher(line);
            Matcher more = MORE.matcher(line);
            if (field.matches()) {
                open = new ArrayList<>(List.of(field.group(2).strip()));
                if (fields.put(field.group(1), open) != null) {
                    throw new IllegalArgumentException(module + ".cu: two fields " + field.group(1));
                }
            } else if (more.matches() && open != null) {
                open.add(more.group(1).strip());
            } else {
                throw new IllegalArgumentException(module + ".cu: neither '// Field       text' nor '//              more of it': " + line);
            }
        }
        return new Contract(module, fields);
    }

    /** A field as one line. @return empty if there is no such field */
    public Optional<String> field(String name) {
        return Optional.ofNullable(fields.get(name)).map(l -> String.join(" ", l));
    }

    /** Required fields that are missing, and fields that nobody knows. */
    public Set<String> problems() {
        Set<String> wrong = new TreeSet<>();
        REQUIRED.stream().filter(f -> !fields.containsKey(f)).forEach(f -> wrong.add("no field " + f));
        fields.keySet().stream().filter(f -> !REQUIRED.contains(f) && !OPTIONAL.contains(f)).forEach(f -> wrong.add("unknown field " + f));
        return wrong;
    }

    /** Its Traffic lines. @throws IllegalArgumentException if one cannot be read */
    public List<Traffic> traffic() {
        List<Traffic> all = new ArrayList<>();
        for (String line : fields.getOrDefault("Traffic", List.of())) {
            try {
                all.add(Traffic.parse(line));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(module + ".cu: Traffic: " + e.getMessage(), e);
            }
        }
        return all;
    }

    /** The sizes of blocks, in threads, that its Launch field names: {@code block 256}, {@code block 32 x 8}, {@code block (32, 8)}. */
    public Set<Integer> blocks() {
        Set<Integer> all = new TreeSet<>();
        Matcher m = BLOCK.matcher(field("Launch").orElse(""));
        while (m.find()) {
            int threads = 1;
            for (int g = 1; g <= 3; g++) {
                threads *= m.group(g) == null ? 1 : Integer.parseInt(m.group(g));
            }
            all.add(threads);
        }
        return all;
    }

    /** What the kernels compute, in a line. */
    public String summary() {
        return fields.getOrDefault("Math", List.of("")).getFirst();
    }
}
