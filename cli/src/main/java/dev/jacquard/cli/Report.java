package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Two files that a comparison leaves behind: a table, {@code .csv}, a line at a time as results come, and at the end a page, {@code .md}. Earlier ones are replaced. */
final class Report implements AutoCloseable {
    private final BufferedWriter csv;
    private final Path page;

    /** Begins the table. @param folder made if it is not there @param name of both files @param header the table's first line @throws CallerException if it cannot be written */
    Report(Path folder, String name, String header) {
        page = folder.resolve(name + ".md");
        try {
            Files.createDirectories(folder);
            csv = Files.newBufferedWriter(folder.resolve(name + ".csv"));
        } catch (IOException e) {
            throw unwritable(e);
        }
        row(header);
    }

    private static CallerException unwritable(IOException e) {
        return new CallerException("--out", "cannot be written", e.toString(), "a folder that takes files, with room", "name another, or free some", e);
    }

    /** Writes a line of the table, at once: a run may be ended. */
    void row(String line) {
        try {
            csv.write(line);
            csv.newLine();
            csv.flush();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** Writes the page. */
    void page(List<String> lines) {
        try {
            Files.write(page, lines);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** A text as a cell. */
    static String quoted(String text) {
        return "\"" + oneLine(text) + "\"";
    }

    /** A text without what ends a line or a cell. */
    static String oneLine(String text) {
        return text.replace('"', '\'').replaceAll("\\s+", " ").strip();
    }

    @Override
    public void close() {
        try {
            csv.close();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }
}
