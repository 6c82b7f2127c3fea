package dev.jacquard.models;

import dev.jacquard.tensor.Shape;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of a naming's table: a path of ours, the same path of theirs, and the form of the weight if it is not the same. {@code {s}} stands for a stage and {@code {b}} for a
 * block of it, whole numbers that are carried over; {@code {s-1}} is one less. The path's rest ({@code .weight}) is kept. The first line that fits a name is the one that counts.
 */
record Rename(Pattern ours, String theirs, Form form) {
    /** A name and a form of theirs. */
    record Result(String name, Form form) {}

    /** How a layer that sees one pixel at a time is stored; the elements and their order are the same. */
    enum Form {
        /** As ours. */
        SAME,
        /** A matrix (K, C). */
        LINEAR,
        /** A convolution (K, C, 1, 1). */
        CONVOLUTION;

        /** The shape in the file. @param shape ours, as files have it */
        Shape of(Shape shape) {
            return switch (this) {
                case SAME -> shape;
                case LINEAR -> matrix(shape);
                case CONVOLUTION -> shape.rank() == 2 ? Shape.of(shape.dim(0), shape.dim(1), 1, 1) : shape;
            };
        }

        /** A 1x1 convolution's shape as a matrix's, others as they are. */
        static Shape matrix(Shape s) {
            return s.rank() == 4 && s.dim(2) == 1 && s.dim(3) == 1 ? Shape.of(s.dim(0), s.dim(1)) : s;
        }
    }

    /** Reads a table: one line a rewrite, columns apart by spaces. */
    static List<Rename> table(String text) {
        return text.lines().map(line -> line.strip().split("\\s+")).map(c -> new Rename(pattern(c[0]), c[1], form(c.length > 2 ? c[2] : "same"))).toList();
    }

    private static Form form(String word) {
        return switch (word) {
            case "same" -> Form.SAME;
            case "linear" -> Form.LINEAR;
            case "1x1" -> Form.CONVOLUTION;
            default -> throw new IllegalArgumentException(word);
        };
    }

    private static Pattern pattern(String path) {
        return Pattern.compile(path.replace(".", "\\.").replace("{s}", "(?<s>\\d+)").replace("{b}", "(?<b>\\d+)") + "(?<rest>\\..+)");
    }

    /** What becomes of one of our names; itself if no line fits. */
    static Result first(List<Rename> table, String name) {
        for (Rename r : table) {
            Matcher m = r.ours.matcher(name);
            if (m.matches()) {
                return new Result(r.rewritten(m), r.form);
            }
        }
        return new Result(name, Form.SAME);
    }

    private String rewritten(Matcher m) {
        String path = theirs;
        if (path.contains("{s")) {
            int stage = Integer.parseInt(m.group("s"));
            path = path.replace("{s-1}", Integer.toString(stage - 1)).replace("{s}", Integer.toString(stage));
        }
        return (path.contains("{b}") ? path.replace("{b}", m.group("b")) : path) + m.group("rest");
    }
}
