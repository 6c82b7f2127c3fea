package dev.jacquard.models;

import dev.jacquard.tensor.DataException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Names of classes as a JSON array of strings, which is how they travel in a file's metadata. */
final class ClassNames {
    private static final String ESCAPED = "\"\\/bfnrt";
    private static final String MEANING = "\"\\/\b\f\n\r\t";

    private final String file;
    private final String text;
    private int at;

    private ClassNames(String file, String text) {
        this.file = file;
        this.text = text;
    }

    static String write(List<String> names) {
        return names.stream().map(ClassNames::quote).collect(Collectors.joining(",", "[", "]"));
    }

    private static String quote(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') {
                b.append('\\').append(c);
            } else if (c < ' ') {
                b.append(String.format("\\u%04x", (int) c));
            } else {
                b.append(c);
            }
        }
        return b.append('"').toString();
    }

    /** @throws DataException naming the file if the text is no array of strings */
    static List<String> read(String file, String text) {
        return new ClassNames(file, text).array();
    }

    private List<String> array() {
        List<String> names = new ArrayList<>();
        expect('[');
        if (!accept(']')) {
            do {
                names.add(string());
            } while (accept(','));
            expect(']');
        }
        if (at != text.length()) {
            throw bad();
        }
        return List.copyOf(names);
    }

    private String string() {
        expect('"');
        StringBuilder b = new StringBuilder();
        while (true) {
            char c = next();
            if (c == '"') {
                space();
                return b.toString();
            }
            b.append(c == '\\' ? escape() : c);
        }
    }

    private char escape() {
        char c = next();
        if (c != 'u') {
            int i = ESCAPED.indexOf(c);
            if (i < 0) {
                throw bad();
            }
            return MEANING.charAt(i);
        }
        int code = 0;
        for (int i = 0; i < 4; i++) {
            int digit = Character.digit(next(), 16);
            if (digit < 0) {
                throw bad();
            }
            code = code * 16 + digit;
        }
        return (char) code;
    }

    private char next() {
        if (at == text.length()) {
            throw bad();
        }
        return text.charAt(at++);
    }

    private void space() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    private boolean accept(char c) {
        space();
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            space();
            return true;
        }
        return false;
    }

    private void expect(char c) {
        space();
        if (next() != c) {
            throw bad();
        }
        if (c != '"') {
            space();
        }
    }

    private DataException bad() {
        return new DataException(file, "class_names of the metadata are malformed at character " + at, text.length() > 60 ? text.substring(0, 60) + "..." : text,
                "a JSON array of strings", "write the file again");
    }
}
