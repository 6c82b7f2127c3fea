package dev.jacquard.data;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;

/** The ways to decode a JPEG that there are on this machine: tests take each of them. */
final class JpegWays {
    private static final List<String> LIBRARIES = List.of("libjpeg", "libturbojpeg");

    private JpegWays() {}

    /** {@code java}, and the libraries that are installed; one that {@code -Djacquard.jpeg} names as a file, too. */
    static List<String> all() {
        List<String> ways = new ArrayList<>(List.of("java"));
        ways.addAll(libraries());
        return ways;
    }

    /** Of {@link #all} those that are libraries. */
    static List<String> libraries() {
        List<String> ways = new ArrayList<>(LIBRARIES);
        String named = System.getProperty(JpegLibrary.PROPERTY, "");
        if (named.contains("/")) {
            ways.add(named);
        }
        ways.removeIf(w -> library(w) == null);
        return ways;
    }

    /** {@link #libraries} for tests of these alone, which are skipped where there is none. */
    static List<String> installed() {
        List<String> installed = libraries();
        assumeTrue(!installed.isEmpty(), "skipped: " + JpegLibrary.here().why());
        return installed;
    }

    /** The library, or null. */
    static JpegLibrary library(String way) {
        return JpegLibrary.find(way).library();
    }

    static ImageDecoder decoder(String way) {
        return new ImageDecoder(ImageDecoder.DEFAULT_MAX_PIXELS, false, library(way));
    }
}
