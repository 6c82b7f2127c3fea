package dev.jacquard.emulator.ptx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** PTX text cut into words, numbers, strings and punctuation, with a cursor. Numbers keep their text; a string keeps its opening quote. */
final class Tokens {
    private final List<String> texts = new ArrayList<>();
    private final int[] lines;
    private int at;

    Tokens(String text) {
        int[] found = new int[Math.max(16, text.length() / 2)];
        int n = text.length();
        int line = 1;
        int i = 0;
        while (i < n) {
            char c = text.charAt(i);
            if (c == '\n') {
                line++;
                i++;
            } else if (c <= ' ') {
                i++;
            } else if (c == '/' && i + 1 < n && text.charAt(i + 1) == '/') {
                while (i < n && text.charAt(i) != '\n') {
                    i++;
                }
            } else if (c == '/' && i + 1 < n && text.charAt(i + 1) == '*') {
                int end = text.indexOf("*/", i + 2);
                end = end < 0 ? n : end + 2;
                line += (int) text.substring(i, end).chars().filter(x -> x == '\n').count();
                i = end;
            } else {
                int end = end(text, i);
                if (texts.size() == found.length) {
                    found = Arrays.copyOf(found, 2 * found.length);
                }
                found[texts.size()] = line;
                texts.add(text.substring(i, end));
                i = end;
            }
        }
        lines = found;
    }

    private static int end(String text, int start) {
        int n = text.length();
        char c = text.charAt(start);
        int i = start + 1;
        if (c == '"') {
            while (i < n && text.charAt(i) != '"' && text.charAt(i) != '\n') {
                i++;
            }
            return Math.min(n, i + 1);
        }
        if (!word(c)) {
            return i;
        }
        while (i < n) {
            char d = text.charAt(i);
            if (d == ':' && i + 2 < n && text.charAt(i + 1) == ':' && word(text.charAt(i + 2))) {
                i += 2;
            } else if (!word(d)) {
                break;
            }
            i++;
        }
        return i;
    }

    private static boolean word(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c == '%' || c == '.';
    }

    /** Index of the next token. */
    int position() {
        return at;
    }

    /** Goes to a token. */
    void seek(int position) {
        at = position;
    }

    /** Whether no token is left. */
    boolean done() {
        return at >= texts.size();
    }

    /** Line of the next token. */
    int line() {
        return texts.isEmpty() ? 1 : lines[Math.min(at, texts.size() - 1)];
    }

    /** The next token, left in place; empty at the end. */
    String peek() {
        return peek(0);
    }

    /** A token ahead, left in place; empty at the end. */
    String peek(int ahead) {
        return at + ahead < texts.size() ? texts.get(at + ahead) : "";
    }

    /** Takes the next token. */
    String next() {
        if (done()) {
            throw new PtxException(line(), "unexpected end of the text");
        }
        return texts.get(at++);
    }

    /** Takes the next token if it is this one. */
    boolean take(String text) {
        if (peek().equals(text)) {
            at++;
            return true;
        }
        return false;
    }

    /** Takes the next token, which must be this one. */
    void expect(String text) {
        if (!take(text)) {
            throw new PtxException(line(), "expected " + text + " but found " + (done() ? "the end" : peek()));
        }
    }

    /** Skips what is between a brace that has been taken and its partner, and the partner. */
    void skipBlock() {
        for (int depth = 1; depth > 0;) {
            String t = next();
            depth += t.equals("{") ? 1 : t.equals("}") ? -1 : 0;
        }
    }

    /** Takes an integer. */
    long integer() {
        boolean minus = take("-");
        String t = next();
        try {
            long v = parse(t);
            return minus ? -v : v;
        } catch (NumberFormatException e) {
            throw new PtxException(line(), "expected a number but found " + t);
        }
    }

    static long parse(String text) {
        String t = text.endsWith("U") ? text.substring(0, text.length() - 1) : text;
        if (t.startsWith("0x") || t.startsWith("0X")) {
            return Long.parseUnsignedLong(t.substring(2), 16);
        }
        if (t.startsWith("0b") || t.startsWith("0B")) {
            return Long.parseUnsignedLong(t.substring(2), 2);
        }
        return t.length() > 1 && t.charAt(0) == '0' ? Long.parseUnsignedLong(t, 8) : Long.parseUnsignedLong(t);
    }
}
