package dev.jacquard.bench.peers;

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
 * A CSV file that is measured piece by piece: rows of a piece replace those that were there of it, so that a run can be continued or a part of it repeated. Values have no commas.
 *
 * @param file where it is
 * @param columns names
 * @param key those that say what a piece is
 */
public record Results(Path file, List<String> columns, List<String> key) {
    private static final String COMMA = ",";

    /** All rows, by column; none if there is no file. @throws IOException also if its columns are others */
    public List<Map<String, String>> rows() throws IOException {
        return Files.exists(file) ? read(file, columns) : List.of();
    }

    /** Rows of a file. @param columns that it must have; null for any */
    static List<Map<String, String>> read(Path file, List<String> columns) throws IOException {
        List<String> lines = Files.readAllLines(file);
        List<String> names = List.of(lines.getFirst().split(COMMA));
        if (columns != null && !names.equals(columns)) {
            throw new IOException(file + " has other columns than this version writes: move it away");
        }
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

    /** Replaces the rows of a piece. @param fresh all of one piece */
    public void put(List<Map<String, String>> fresh) throws IOException {
        List<Map<String, String>> all = new ArrayList<>(rows());
        all.removeIf(old -> keyOf(old).equals(keyOf(fresh.getFirst())));
        all.addAll(fresh);
        String text = all.stream().map(row -> columns.stream().map(c -> row.getOrDefault(c, "").replace(COMMA, ";")).collect(Collectors.joining(COMMA)))
                .collect(Collectors.joining("\n"));
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, String.join(COMMA, columns) + "\n" + text + "\n");
    }

    private List<String> keyOf(Map<String, String> row) {
        return key.stream().map(c -> row.getOrDefault(c, "")).toList();
    }
}
