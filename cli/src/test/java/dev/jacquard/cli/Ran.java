package dev.jacquard.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * A command that was run as {@code ./jacquard} runs it.
 *
 * @param code it ended with
 * @param out what it printed
 * @param err what it complained of
 */
record Ran(int code, String out, String err) {
    /** Runs one. */
    static Ran of(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(args, new PrintWriter(out), new PrintWriter(err));
        return new Ran(code, out.toString(), err.toString());
    }
}
