package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A CSV file of measurements that grows from run to run. Values have no commas: one in a text becomes a semicolon.
 *
 * @param file where it is
 * @param columns names
 * @param key those that say what a piece is, whose rows {@link #put} replaces
 */
public record Results(Path file, List<String> columns, List<String> key) {
    private static final String COMMA = ",";

    /** All rows, by column; none if there is no file. @throws CallerException if its columns are others */
    public List<Map<String, String>> rows() throws IOException {
        if (!Files.exists(file)) {
            return List.of();
        }
        List<String> lines = Files.readAllLines(file);
        if (lines.isEmpty() || !names(lines).equals(columns)) {
            throw new CallerException(file.toString(), "has other columns", lines.isEmpty() ? "an empty file" : lines.getFirst(), String.join(COMMA, columns),
                    "move it away, or name another file");
        }
        return rows(lines);
    }

    /** Rows of a file, whatever its columns. */
    public static List<Map<String, String>> read(Path file) throws IOException {
        return rows(Files.readAllLines(file));
    }

    private static List<String> names(List<String> lines) {
        return List.of(lines.getFirst().split(COMMA));
    }

    private static List<Map<String, String>> rows(List<String> lines) {
        List<String> names = names(lines);
        List<Map<String, String>> rows = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            List<String> values = Arrays.asList(line.split(COMMA, -1));
            Map<String, String> row = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                row.put(names.get(i), values.get(i));
            }
            rows.add(row);
        }
        return rows;
    }

    /** Replaces the rows of a piece, so that a run can be continued or a part of it repeated. @param fresh all of one piece @throws CallerException if the columns are others */
    public void put(List<Map<String, String>> fresh) throws IOException {
        List<Map<String, String>> all = new ArrayList<>(rows());
        all.removeIf(old -> keyOf(old).equals(keyOf(fresh.getFirst())));
        write(all, fresh);
    }

    /** Adds rows, whatever is there. @throws CallerException if the columns are others */
    public void add(List<Map<String, String>> fresh) throws IOException {
        write(new ArrayList<>(rows()), fresh);
    }

    private void write(List<Map<String, String>> all, List<Map<String, String>> fresh) throws IOException {
        all.addAll(fresh);
        List<String> lines = new ArrayList<>(List.of(String.join(COMMA, columns)));
        all.forEach(row -> lines.add(columns.stream().map(c -> row.getOrDefault(c, "").replace(COMMA, ";")).collect(Collectors.joining(COMMA))));
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.write(file, lines);
    }

    private List<String> keyOf(Map<String, String> row) {
        return key.stream().map(c -> row.getOrDefault(c, "")).toList();
    }
}
