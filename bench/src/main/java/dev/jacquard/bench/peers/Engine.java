package dev.jacquard.bench.peers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * A library that computes pieces, in a process of its own: {@link #serve} answers questions on standard input, a line each, with a line each.
 *
 * <pre>
 * hello                                            ok VERSIONS
 * prepare infer|train NETWORK BATCH PIXELS FOLDER  ok           loads what {@link Material} left in the folder; computes nothing yet
 * time SECONDS LEAST                               ok MS MS ... calls until the seconds are over, and at least so many
 * answer FILE                                      ok           writes the last call's logits, or its loss, as floats
 * anything that fails                              no REASON
 * </pre>
 */
public interface Engine {
    /** Name and version of the library, and what else matters of it. */
    String versions();

    /** Makes a piece ready. @param folder what {@link Material} made */
    void prepare(Piece piece, Material folder) throws Exception;

    /** Predicts, or makes a training step. Returns when the result is in host memory. */
    void call() throws Exception;

    /** Logits (N, classes) of the last call, or its loss alone. */
    float[] answer();

    /** Answers until standard input ends. Whatever libraries print goes to standard error. */
    static void serve(Engine engine) throws IOException {
        PrintStream answers = System.out;
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = "ok " + answer(engine, line.strip().split(" "));
            } catch (Exception | LinkageError e) {
                e.printStackTrace();
                answer = "no " + e.toString().replaceAll("\\s+", " ");
            }
            answers.println(answer);
            answers.flush();
        }
        System.exit(0); // libraries leave threads behind
    }

    private static String answer(Engine engine, String... question) throws Exception {
        switch (question[0]) {
            case "hello":
                return engine.versions();
            case "prepare":
                engine.prepare(Piece.of(question[1], question[2], question[3], question[4]), new Material(Path.of(question[5])));
                return "";
            case "time":
                return time(engine, Double.parseDouble(question[1]), Integer.parseInt(question[2]));
            case "answer":
                Material.write(Path.of(question[1]), engine.answer());
                return "";
            default:
                throw new IllegalArgumentException("no such question: " + question[0]);
        }
    }

    private static String time(Engine engine, double seconds, int least) throws Exception {
        StringJoiner ms = new StringJoiner(" ");
        long begin = System.nanoTime();
        for (int i = 0; i < least || System.nanoTime() - begin < seconds * 1e9; i++) {
            long from = System.nanoTime();
            engine.call();
            ms.add(String.format(Locale.ROOT, "%.4f", (System.nanoTime() - from) / 1e6));
        }
        return ms.toString();
    }
}
