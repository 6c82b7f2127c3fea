package dev.jacquard.data;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A library of the system that decodes JPEGs: libjpeg-turbo by its interface of libjpeg ({@code libjpeg.so.62}, {@code libjpeg.so.8}), which nearly every Linux has, or by its own
 * ({@code libturbojpeg.so.0}). Whoever has neither decodes in Java. {@code -Djacquard.jpeg=java} does without them, {@code libjpeg} and {@code libturbojpeg} take one of
 * the two, and the name of a file takes that library, of either kind.
 */
@SuppressWarnings("restricted") // loading a library is what this class is for
abstract sealed class JpegLibrary permits LibJpegLibrary, TurboJpegLibrary {
    /** System property: {@code auto}, {@code libjpeg}, {@code libturbojpeg}, {@code java}, or a file. */
    static final String PROPERTY = "jacquard.jpeg";

    private static final Logger LOG = LoggerFactory.getLogger(JpegLibrary.class);

    /** Of libjpeg's interface of version 6.2, and of version 8, which Debian and Fedora, and Ubuntu have. */
    private static final List<String> LIBJPEG = List.of("libjpeg.so.62", "libjpeg.so.8");

    private static final List<String> LIBTURBOJPEG = List.of("libturbojpeg.so.0");

    /**
     * Whether a library is used.
     *
     * @param library null if not
     * @param why     where it comes from, or why it is not used
     */
    record Found(JpegLibrary library, String why) {}

    private static final class Once {
        static final Found HERE = find(System.getProperty(PROPERTY, "auto"));

        static {
            LOG.debug("JPEG decoder: {}", HERE.why);
        }
    }

    /** {@code libjpeg} or {@code libturbojpeg}. */
    abstract String kind();

    /** What it can, for people. */
    abstract String describe();

    /** A decoder of its own state. @throws IllegalStateException if the library makes none */
    abstract JpegCodec codec();

    /** What this process uses: looked for once. Never throws. */
    static Found here() {
        return Once.HERE;
    }

    /** Loads a library, for good. Never throws. @param which as {@link #PROPERTY} */
    static Found find(String which) {
        return find(which, ErrorExit.refusal());
    }

    /** As {@link #find(String)}. @param refusal why libjpeg's errors cannot be caught here, or null */
    static Found find(String which, String refusal) {
        if (which.equals("java")) {
            return new Found(null, "-D" + PROPERTY + "=java");
        }
        if (!JpegLibrary.class.getModule().isNativeAccessEnabled()) {
            return new Found(null, "native access is not allowed: start the JVM with --enable-native-access=ALL-UNNAMED");
        }
        if (ValueLayout.ADDRESS.byteSize() != 8 || System.getProperty("os.name").startsWith("Windows")) {
            return new Found(null, "libraries are called on 64-bit systems other than Windows only");
        }
        List<String> names = switch (which) {
            case "auto" -> List.of(LIBJPEG.getFirst(), LIBJPEG.getLast(), LIBTURBOJPEG.getFirst());
            case "libjpeg" -> LIBJPEG;
            case "libturbojpeg" -> LIBTURBOJPEG;
            default -> List.of(which);
        };
        List<String> unusable = new ArrayList<>();
        for (String name : names) {
            try {
                JpegLibrary library = load(name, refusal);
                String passedOver = unusable.isEmpty() ? "" : " (" + String.join("; ", unusable) + ")";
                return new Found(library, name + ", " + library.describe() + passedOver);
            } catch (IllegalArgumentException | IllegalStateException | IllegalCallerException | UnsupportedOperationException e) {
                String reason = e.getMessage() == null ? e.toString() : ImageDecoder.oneLine(e.getMessage());
                if (!reason.startsWith("Cannot open library")) {
                    unusable.add(reason.startsWith("-D") ? reason : name + " is not used: " + reason);
                } else if (!which.equals("auto")) {
                    unusable.add(name + " is not installed");
                }
            }
        }
        return new Found(null, unusable.isEmpty() ? "none of " + String.join(", ", names) + " is installed (Debian: libjpeg62-turbo)" : String.join("; ", unusable));
    }

    private static JpegLibrary load(String name, String refusal) {
        boolean system = LIBJPEG.contains(name) || LIBTURBOJPEG.contains(name);
        if (!system && !Files.isRegularFile(Path.of(name))) {
            throw new IllegalArgumentException("-D" + PROPERTY + "=" + name + " is no file");
        }
        SymbolLookup symbols = system ? SymbolLookup.libraryLookup(name, Arena.global()) : SymbolLookup.libraryLookup(Path.of(name), Arena.global());
        boolean turbo = system ? LIBTURBOJPEG.contains(name) : symbols.find("tjInitDecompress").isPresent();
        if (turbo) {
            return new TurboJpegLibrary(symbols);
        }
        if (refusal != null) {
            throw new IllegalArgumentException(refusal);
        }
        return new LibJpegLibrary(symbols);
    }
}
