package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Images named in a text file, one a line: the path, a tab or blanks, the class. Paths are relative to the list's folder, or absolute; where there is no tab the class is what
 * follows the last blank. Classes that are all numbers keep them as labels; others are sorted by name. Empty lines and those that begin with # are passed over.
 */
final class ListSource {
    private static final List<String> SUFFIXES = List.of(".txt", ".tsv", ".lst", ".list");

    /** Some four million lines. */
    private static final long MOST_BYTES = 256L << 20;

    private ListSource() {}

    /** Whether a file of this name is taken for a list. */
    static boolean isListName(Path path) {
        String name = path.toString().toLowerCase(Locale.ROOT);
        return SUFFIXES.stream().anyMatch(name::endsWith);
    }

    /** Reads the list; whether the images are there is seen when they are read. */
    static FilesSource open(Path list) {
        Path folder = list.toAbsolutePath().getParent();
        List<SampleIndex.Found<Path>> found = new ArrayList<>();
        List<String> lines;
        try {
            if (Files.size(list) > MOST_BYTES) {
                throw new DataException(list.toString(), "the list is too large", Files.size(list) + " bytes", "at most " + MOST_BYTES,
                        "check the path, or split it and give the parts with commas between");
            }
            lines = Files.readAllLines(list, StandardCharsets.UTF_8);
        } catch (CharacterCodingException e) {
            throw new DataException(list.toString(), "the list is no text", "bytes that are not UTF-8", "lines of path, tab, class", "check the path", e);
        } catch (IOException e) {
            throw new DataException(list.toString(), "the list cannot be read", e.toString(), "a readable file", "check its permissions and the disk", e);
        }
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (!line.isEmpty() && !line.startsWith("#")) {
                found.add(sample(list, folder, i + 1, line));
            }
        }
        if (found.isEmpty()) {
            throw new DataException(list.toString(), "the list is empty", lines.size() + " lines without an image", "lines of path, tab, class", "check the path");
        }
        boolean numbers = found.stream().allMatch(f -> SampleIndex.isNumber(f.className()));
        return new FilesSource(numbers ? SampleIndex.ofNumbers(list.toString(), found) : SampleIndex.of(list.toString(), Set.of(), found), Map.of());
    }

    private static SampleIndex.Found<Path> sample(Path list, Path folder, int number, String line) {
        int cut = line.indexOf('\t');
        for (int i = line.length() - 1; cut < 0 && i > 0; i--) {
            cut = line.charAt(i) == ' ' ? i : -1;
        }
        String path = cut < 0 ? "" : line.substring(0, cut).strip();
        String label = cut < 0 ? "" : line.substring(cut + 1).strip();
        if (path.isEmpty() || label.isEmpty()) {
            throw new DataException(list + ", line " + number, "no image and class", "'" + shortened(line) + "'", "path, tab, class", "correct the line");
        }
        try {
            return new SampleIndex.Found<>(label, path, folder.resolve(path));
        } catch (InvalidPathException e) {
            throw new DataException(list + ", line " + number, "no path", "'" + shortened(path) + "'", "the path of an image", "correct the line", e);
        }
    }

    private static String shortened(String text) {
        return text.length() > 80 ? text.substring(0, 80) + "..." : text;
    }
}
