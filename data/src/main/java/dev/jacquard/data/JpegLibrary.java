package dev.jacquard.data;

import dev.jacquard.tensor.backend.CodeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

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
     * @param refused whether a faster one is there and cannot be used
     */
    record Found(JpegLibrary library, String why, boolean refused) {
        /** None. */
        static Found none(String why) {
            return new Found(null, why, false);
        }
    }

    private static final class Once {
        static final Found HERE = find(System.getProperty(PROPERTY, "auto"));

        static {
            LOG.atLevel(HERE.refused ? Level.INFO : Level.DEBUG).log("JPEG decoder: {}", HERE.library != null ? HERE.why : "the JDK's; " + HERE.why);
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
        return find(which, ErrorExit::refusal);
    }

    /** As {@link #find(String)}. @param refusal says why libjpeg's errors cannot be caught here, or null; not asked where native access is not allowed */
    static Found find(String which, Supplier<String> refusal) {
        if (which.equals("java")) {
            return Found.none("-D" + PROPERTY + "=java");
        }
        if (!JpegLibrary.class.getModule().isNativeAccessEnabled()) {
            return Found.none("native access is not allowed: start the JVM with --enable-native-access=ALL-UNNAMED");
        }
        if (ValueLayout.ADDRESS.byteSize() != 8 || System.getProperty("os.name").startsWith("Windows")) {
            return Found.none("libraries are called on 64-bit systems other than Windows only");
        }
        List<String> names = switch (which) {
            case "auto" -> CodeMemory.isFor() ? Stream.concat(LIBJPEG.stream(), LIBTURBOJPEG.stream()).toList() : LIBTURBOJPEG;
            case "libjpeg" -> LIBJPEG;
            case "libturbojpeg" -> LIBTURBOJPEG;
            default -> List.of(which);
        };
        List<String> reasons = new ArrayList<>();
        boolean refused = false;
        for (String name : names) {
            try {
                JpegLibrary library = load(name, refusal);
                return new Found(library, name + ", " + library.describe() + (refused ? " (" + String.join("; ", reasons) + ")" : ""), refused);
            } catch (IllegalArgumentException | IllegalStateException | IllegalCallerException | UnsupportedOperationException e) {
                String reason = e.getMessage() == null ? e.toString() : ImageDecoder.oneLine(e.getMessage());
                boolean missing = reason.startsWith("Cannot open library") && !name.contains("/");
                refused |= !missing;
                reasons.add(missing ? name + " is not installed" : reason.startsWith("-D") ? reason : name + " is not used: " + reason);
            }
        }
        return new Found(null, String.join("; ", reasons) + (refused ? "" : " (Debian: libjpeg62-turbo)"), refused);
    }

    private static JpegLibrary load(String name, Supplier<String> refusal) {
        boolean system = LIBJPEG.contains(name) || LIBTURBOJPEG.contains(name);
        if (!system && !Files.isRegularFile(Path.of(name))) {
            throw new IllegalArgumentException("-D" + PROPERTY + "=" + name + " is no file");
        }
        SymbolLookup symbols = system ? SymbolLookup.libraryLookup(name, Arena.global()) : SymbolLookup.libraryLookup(Path.of(name), Arena.global());
        boolean turbo = system ? LIBTURBOJPEG.contains(name) : symbols.find("tjInitDecompress").isPresent();
        if (turbo) {
            return new TurboJpegLibrary(symbols);
        }
        String refused = refusal.get();
        if (refused != null) {
            throw new IllegalArgumentException(refused);
        }
        return new LibJpegLibrary(symbols);
    }
}
