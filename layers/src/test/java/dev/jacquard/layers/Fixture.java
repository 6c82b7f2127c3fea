package dev.jacquard.layers;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Lines of a table beside this class, made by src/test/scripts/make_optimizer_reference.py. */
final class Fixture {
    private Fixture() {}

    /** A table's lines, split; comments are left out. */
    static List<String[]> lines(String file) {
        try (InputStream in = Fixture.class.getResourceAsStream(file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().filter(l -> !l.startsWith("#")).map(l -> l.split(",")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The numbers of a line. @param from position of the first */
    static double[] numbers(String[] line, int from) {
        return Arrays.stream(line, from, line.length).mapToDouble(Double::parseDouble).toArray();
    }
}
