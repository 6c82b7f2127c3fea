package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;

/**
 * A cursor over the text of a file's header, with what the grammars of both formats share: strict decoding, white space,
 * single characters, digits, and errors that name the file and the place. There is no recursion, hence no depth to bound.
 */
final class HeaderText {
    private final String file;
    private final String remedy;
    private final String text;
    private int at;

    private HeaderText(String file, String remedy, String text) {
        this.file = file;
        this.remedy = remedy;
        this.text = text;
    }

    /** Decodes a header. @throws DataException if the bytes are not text in the given encoding */
    static HeaderText decode(String file, String remedy, byte[] bytes, Charset charset) {
        try {
            return new HeaderText(file, remedy, charset.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT).decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException e) {
            throw new DataException(file, "malformed header", "bytes that are no " + charset, charset + " text", remedy, e);
        }
    }

    /** Skips white space, then consumes {@code c} if it is next. */
    boolean accept(char c) {
        space();
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    /** As {@link #accept}, or an error. */
    void expect(char c) {
        if (!accept(c)) {
            throw error(here(), "'" + c + "'");
        }
    }

    /** Consumes a whole word such as {@code True} if it is next. */
    boolean acceptWord(String word) {
        space();
        if (text.startsWith(word, at)) {
            at += word.length();
            return true;
        }
        return false;
    }

    /** The next character, whatever it is; inside strings. */
    char next(String expected) {
        if (at == text.length()) {
            throw error("end of the header", expected);
        }
        return text.charAt(at++);
    }

    /** Demands that only white space is left. */
    void end() {
        space();
        if (at < text.length()) {
            throw error(here(), "end of the header");
        }
    }

    /** An integer of 0 or more without leading zeros, sign, fraction or exponent. */
    long integer(String what) {
        space();
        int from = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        boolean number = at > from && (at == from + 1 || text.charAt(from) != '0');
        // What follows must not be the rest of a number of another kind.
        if (!number || at < text.length() && ".eE_".indexOf(text.charAt(at)) >= 0) {
            at = from;
            throw error(here(), what + ", an integer of 0 or more");
        }
        try {
            return Long.parseLong(text, from, at, 10);
        } catch (NumberFormatException e) {
            throw error(FileErrors.quote(text.substring(from, at)), what + " of fewer than 2^63");
        }
    }

    /** A string of JSON, with its escapes; no raw control characters, no halves of surrogate pairs. */
    String jsonString(String what) {
        if (!accept('"')) {
            throw error(here(), what + ", a string");
        }
        StringBuilder out = new StringBuilder();
        for (char c = next("'\"'"); c != '"'; c = next("'\"'")) {
            if (c < ' ') {
                throw error("a raw control character", "it escaped");
            }
            out.append(c == '\\' ? escape() : c);
        }
        for (int i = 0; i < out.length(); i++) {
            char c = out.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < out.length() && Character.isLowSurrogate(out.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                throw error("half of a surrogate pair", "both halves");
            }
        }
        return out.toString();
    }

    private char escape() {
        char c = next("an escape");
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                int code = 0;
                for (int i = 0; i < 4; i++) {
                    char h = next("four hexadecimal digits");
                    int digit = h < 128 ? Character.digit(h, 16) : -1;
                    if (digit < 0) {
                        throw error(FileErrors.quote(String.valueOf(h)), "a hexadecimal digit");
                    }
                    code = code << 4 | digit;
                }
                yield (char) code;
            }
            default -> throw error(FileErrors.quote("\\" + c), "an escape of JSON");
        };
    }

    /** What is at the cursor, for a message. */
    String here() {
        space();
        return at == text.length() ? "end of the header" : FileErrors.quote(text.substring(at, Math.min(at + 16, text.length())));
    }

    /** A grammar error at the cursor. */
    DataException error(String got, String expected) {
        return new DataException(file, "malformed header at character " + at, got, expected, remedy);
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }
}
