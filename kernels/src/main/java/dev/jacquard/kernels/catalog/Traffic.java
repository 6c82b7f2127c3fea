package dev.jacquard.kernels.catalog;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The bytes that a kernel must move, as its contract promises them: {@code affine: read n*T, write n*T}. T is the size of an element in bytes; the other names are a workload's
 * sizes.
 *
 * @param kernels stems of the symbols it holds for; a star stands for anything
 * @param read formula of the bytes that are read at least once; "0" if none
 * @param write formula of the bytes that are written at least once; "0" if none
 */
public record Traffic(List<String> kernels, String read, String write) {
    /** Name of the size of an element. */
    public static final String ELEMENT = "T";

    private static final Pattern LINE = Pattern.compile("([\\w*]+(?:\\s*,\\s*[\\w*]+)*)\\s*:\\s*(.*)");
    private static final Pattern PART = Pattern.compile("\\b(read|write)\\s+(.*?)(?=\\s*,?\\s*\\b(?:read|write)\\b|$)");
    private static final Pattern TYPE = Pattern.compile("_(f32|f16|bf16|f64|i8|u8|i32|i64)$");

    /** Copies, and checks that the formulas are formulas. @throws IllegalArgumentException saying what is not */
    public Traffic {
        kernels = List.copyOf(kernels);
        new Formula(read).names();
        new Formula(write).names();
    }

    /**
     * Reads a line.
     *
     * @param line {@code stem: read formula, write formula}; several stems are separated by commas; what follows a semicolon is prose
     * @throws IllegalArgumentException if it cannot be read
     */
    public static Traffic parse(String line) {
        Matcher m = LINE.matcher(line.strip());
        if (!m.matches()) {
            throw new IllegalArgumentException("not of the form 'kernel: read FORMULA, write FORMULA': " + line);
        }
        String read = null;
        String write = null;
        String parts = m.group(2).replaceFirst(";.*", "").strip();
        int end = 0;
        Matcher part = PART.matcher(parts);
        while (part.find()) {
            if (part.group(1).equals("read") ? read != null : write != null) {
                throw new IllegalArgumentException("says '" + part.group(1) + "' twice: " + line);
            }
            if (part.group(1).equals("read")) {
                read = part.group(2).strip();
            } else {
                write = part.group(2).strip();
            }
            if (!parts.substring(end, part.start()).matches("\\s*,?\\s*")) {
                throw new IllegalArgumentException("neither read nor write: '" + parts.substring(end, part.start()) + "' in " + line);
            }
            end = part.end();
        }
        if (end == 0) {
            throw new IllegalArgumentException("says neither read nor write: " + line);
        }
        return new Traffic(List.of(m.group(1).split("\\s*,\\s*")), read == null ? "0" : read, write == null ? "0" : write);
    }

    /** A symbol without its element type: {@code affine} of {@code affine_f32}. */
    public static String stem(String symbol) {
        return TYPE.matcher(symbol.replaceFirst("_nondeterministic$", "")).replaceFirst("");
    }

    /** Whether a symbol says its element type at its end. */
    public static boolean isTyped(String symbol) {
        return TYPE.matcher(symbol.replaceFirst("_nondeterministic$", "")).find();
    }

    /** The line that holds for a symbol: that of its stem, of its whole name, or the pattern with the most letters that fits. */
    public static java.util.Optional<Traffic> of(List<Traffic> lines, String symbol) {
        record Fit(Traffic line, String kernel) {}
        List<Fit> fits = new ArrayList<>();
        for (Traffic t : lines) {
            for (String k : t.kernels) {
                if (matches(k, symbol) || matches(k, stem(symbol))) {
                    fits.add(new Fit(t, k));
                }
            }
        }
        return fits.stream().max(Comparator.comparingInt((Fit f) -> f.kernel.contains("*") ? f.kernel.length() : Integer.MAX_VALUE)).map(Fit::line);
    }

    /** Whether a pattern of a line stands for a symbol or stem. */
    static boolean matches(String pattern, String name) {
        return name.matches(pattern.replace("*", ".*"));
    }

    /** Bytes read. @param sizes every name of the formula but T @param elementBytes T */
    public double readBytes(Map<String, Long> sizes, int elementBytes) {
        return new Formula(read).value(sizes, elementBytes);
    }

    /** Bytes written. @param sizes every name of the formula but T @param elementBytes T */
    public double writeBytes(Map<String, Long> sizes, int elementBytes) {
        return new Formula(write).value(sizes, elementBytes);
    }

    /** The names that its formulas use, without T. */
    public Set<String> names() {
        Set<String> all = new TreeSet<>(new Formula(read).names());
        all.addAll(new Formula(write).names());
        all.remove(ELEMENT);
        return all;
    }

    @Override
    public String toString() {
        return String.join(", ", kernels) + ": read " + read + ", write " + write;
    }
}
