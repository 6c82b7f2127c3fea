package dev.jacquard.train;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.io.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** JSON files, and how file errors are told. */
final class Json {
    private static final Gson COMPACT = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final Gson PRETTY = new GsonBuilder().serializeNulls().disableHtmlEscaping().setPrettyPrinting().create();

    private Json() {}

    static String text(Object value) {
        return COMPACT.toJson(value);
    }

    static String pretty(Object value) {
        return PRETTY.toJson(value) + "\n";
    }

    static <T> T parse(String text, Class<T> type) {
        return COMPACT.fromJson(text, type);
    }

    /** Writes a text file, atomically and durably. */
    static void write(Path file, String text) {
        AtomicFile.writeStream(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw io(file, "cannot be read", e);
        }
    }

    /** An error of the file system. */
    static DataException io(Path path, String problem, IOException e) {
        String got = e instanceof NoSuchFileException ? "no such file" : oneLine(e);
        return new DataException(path.toString(), problem, got, "a readable or writable file", "check permissions and space on the disk", e);
    }

    /** An exception's message on one line. */
    static String oneLine(Exception e) {
        boolean ours = e.getClass() == com.google.gson.JsonParseException.class; // its class says nothing more
        String text = ours ? e.getMessage() : e.getClass().getSimpleName() + (e.getMessage() == null ? "" : " " + e.getMessage());
        return text.replaceAll("\\s+", " ");
    }
}
