package dev.jacquard.kernels.catalog;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Arithmetic of names and numbers with + - * / and parentheses, by recursive descent. One use per object. */
final class Formula {
    private final String text;
    private final Set<String> names = new TreeSet<>();
    private Map<String, Long> sizes;
    private int elementBytes;
    private int at;

    Formula(String text) {
        this.text = text;
    }

    /** Its names; also checks the grammar. @throws IllegalArgumentException saying where it stops being one */
    Set<String> names() {
        evaluate();
        return names;
    }

    /** Its value. @throws IllegalArgumentException if a name has no value */
    double value(Map<String, Long> sizes, int elementBytes) {
        this.sizes = sizes;
        this.elementBytes = elementBytes;
        return evaluate();
    }

    private double evaluate() {
        double v = sum();
        if (peek() != 0) {
            throw wrong("unexpected '" + peek() + "'");
        }
        return v;
    }

    private double sum() {
        double v = product();
        while (peek() == '+' || peek() == '-') {
            v = next() == '+' ? v + product() : v - product();
        }
        return v;
    }

    private double product() {
        double v = factor();
        while (peek() == '*' || peek() == '/') {
            v = next() == '*' ? v * factor() : v / factor();
        }
        return v;
    }

    private double factor() {
        char c = peek();
        if (c == '(') {
            next();
            double v = sum();
            if (peek() != ')') {
                throw wrong("a parenthesis that is not closed");
            }
            next();
            return v;
        }
        int from = at;
        while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_' || text.charAt(at) == '.')) {
            at++;
        }
        String word = text.substring(from, at);
        if (word.isEmpty()) {
            throw wrong("a number, a name or a parenthesis is missing");
        }
        if (!Character.isDigit(word.charAt(0))) {
            return name(word);
        }
        try {
            return Double.parseDouble(word);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + word + "' is neither a number nor a name (multiply with *) in '" + text + "'", e);
        }
    }

    private double name(String word) {
        names.add(word);
        if (sizes == null) {
            return 1; // only the grammar is looked at
        }
        if (word.equals(Traffic.ELEMENT)) {
            return elementBytes;
        }
        Long size = sizes.get(word);
        if (size == null) {
            throw new IllegalArgumentException("the workload has no size '" + word + "' for '" + text + "'; it has " + new TreeSet<>(sizes.keySet()));
        }
        return size;
    }

    /** The next character that is no space, 0 at the end. */
    private char peek() {
        while (at < text.length() && text.charAt(at) == ' ') {
            at++;
        }
        return at < text.length() ? text.charAt(at) : 0;
    }

    private char next() {
        char c = peek();
        at++;
        return c;
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException(what + " at character " + at + " of '" + text + "'");
    }
}
