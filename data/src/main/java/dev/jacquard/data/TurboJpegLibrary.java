package dev.jacquard.data;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The functions of libjpeg-turbo's {@code libturbojpeg.so.0} that we call, of version 3 ({@code tj3*}, which decode parts) or of version 2. Whoever has no such
 * library decodes in Java. {@code -Djacquard.turbojpeg=off} does without it, {@code -Djacquard.turbojpeg=FILE} takes this one.
 */
@SuppressWarnings("restricted") // loading a library is what this class is for
final class TurboJpegLibrary {
    /** System property: {@code auto}, {@code off}, or a file. */
    static final String PROPERTY = "jacquard.turbojpeg";

    private static final Logger LOG = LoggerFactory.getLogger(TurboJpegLibrary.class);
    private static final String SONAME = "libturbojpeg.so.0";

    /** {@code tjscalingfactor}: numerator and denominator. */
    static final MemoryLayout SCALE = MemoryLayout.structLayout(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    /** {@code tjregion}: x, y, width, height. */
    static final MemoryLayout REGION = MemoryLayout.structLayout(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);

    /** Which functions there are. */
    enum Api {
        /** {@code tjDecompress2}: whole images, reduced. */
        TWO,
        /** {@code tj3Decompress8}: parts of images, reduced. */
        THREE
    }

    final Api api;
    final MethodHandle init;
    final MethodHandle destroy;
    final MethodHandle decompress;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle set;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle get;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle header;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle scale;
    /** Of {@link Api#THREE}, else null. */
    final MethodHandle crop;

    /**
     * Whether the library is used.
     *
     * @param library null if not
     * @param why     where it comes from, or why it is not used
     */
    record Found(TurboJpegLibrary library, String why) {}

    private static final class Once {
        static final Found HERE = find(System.getProperty(PROPERTY, "auto"));

        static {
            LOG.debug("JPEG decoder: {}", HERE.why);
        }
    }

    private TurboJpegLibrary(SymbolLookup symbols) {
        api = symbols.find("tj3Decompress8").isPresent() && symbols.find("tj3SetCroppingRegion").isPresent() ? Api.THREE : Api.TWO;
        boolean three = api == Api.THREE;
        var address = ValueLayout.ADDRESS;
        var integer = ValueLayout.JAVA_INT;
        var size = ValueLayout.JAVA_LONG; // size_t, or unsigned long, on all 64-bit systems but Windows
        init = three ? function(symbols, "tj3Init", FunctionDescriptor.of(address, integer)) : function(symbols, "tjInitDecompress", FunctionDescriptor.of(address));
        destroy = three ? function(symbols, "tj3Destroy", FunctionDescriptor.ofVoid(address)) : function(symbols, "tjDestroy", FunctionDescriptor.of(integer, address));
        decompress = three ? function(symbols, "tj3Decompress8", FunctionDescriptor.of(integer, address, address, size, address, integer, integer))
                : function(symbols, "tjDecompress2", FunctionDescriptor.of(integer, address, address, size, address, integer, integer, integer, integer, integer));
        set = three ? function(symbols, "tj3Set", FunctionDescriptor.of(integer, address, integer, integer)) : null;
        get = three ? function(symbols, "tj3Get", FunctionDescriptor.of(integer, address, integer)) : null;
        header = three ? function(symbols, "tj3DecompressHeader", FunctionDescriptor.of(integer, address, address, size)) : null;
        scale = three ? function(symbols, "tj3SetScalingFactor", FunctionDescriptor.of(integer, address, SCALE)) : null;
        crop = three ? function(symbols, "tj3SetCroppingRegion", FunctionDescriptor.of(integer, address, REGION)) : null;
    }

    private static MethodHandle function(SymbolLookup symbols, String name, FunctionDescriptor type) {
        MemorySegment at = symbols.find(name).orElseThrow(() -> new IllegalArgumentException("it lacks " + name));
        return Linker.nativeLinker().downcallHandle(at, type);
    }

    /** What this process uses: looked for once. Never throws. */
    static Found here() {
        return Once.HERE;
    }

    /**
     * Loads a library, for good. Never throws.
     *
     * @param which {@code auto}, {@code off} or a file
     */
    static Found find(String which) {
        if (which.equals("off")) {
            return new Found(null, "-D" + PROPERTY + "=off");
        }
        if (!TurboJpegLibrary.class.getModule().isNativeAccessEnabled()) {
            return new Found(null, "native access is not allowed: start the JVM with --enable-native-access=ALL-UNNAMED");
        }
        if (ValueLayout.ADDRESS.byteSize() != 8 || System.getProperty("os.name").startsWith("Windows")) {
            return new Found(null, "it is called on 64-bit systems other than Windows only");
        }
        boolean auto = which.equals("auto");
        if (!auto && !Files.isRegularFile(Path.of(which))) {
            return new Found(null, "-D" + PROPERTY + "=" + which + " is no file");
        }
        try {
            SymbolLookup symbols = auto ? SymbolLookup.libraryLookup(SONAME, Arena.global()) : SymbolLookup.libraryLookup(Path.of(which), Arena.global());
            TurboJpegLibrary library = new TurboJpegLibrary(symbols);
            String what = (auto ? SONAME : which) + (library.api == Api.THREE ? ", version 3: decodes parts of images" : ", version 2: decodes whole images");
            return new Found(library, what);
        } catch (IllegalArgumentException | IllegalCallerException | UnsupportedOperationException e) {
            String why = auto && e.getMessage() != null && e.getMessage().startsWith("Cannot open library") ? SONAME + " is not installed (Debian: libturbojpeg0)" : which + " is not used: " + e.getMessage();
            return new Found(null, ImageDecoder.oneLine(why));
        }
    }
}
