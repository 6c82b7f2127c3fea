package dev.jacquard.data;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * libjpeg-turbo's functions with libjpeg's interface, from version 2.0 on: older ones, and the Independent JPEG Group's own libjpeg, lack what leaves out rows and columns
 * ({@code jpeg_skip_scanlines} in 1.5 may never end), and libjpeg 7 to 9 make other pixels.
 */
@SuppressWarnings("restricted") // calling a library is what this class is for
final class LibJpegLibrary extends JpegLibrary {
    /**
     * A version of the interface: the fields that {@link LibJpegCodec} knows are at the same place in all three.
     *
     * @param number   {@code JPEG_LIB_VERSION}
     * @param cinfo    bytes of a {@code jpeg_decompress_struct}
     */
    record Version(int number, long cinfo) {}

    private static final Version[] VERSIONS = {new Version(62, 632), new Version(80, 656), new Version(70, 640)};

    final Version version;
    final MethodHandle stdError;
    // Addresses, for ErrorExit.call.
    final long create;
    final long destroy;
    final long memorySource;
    final long readHeader;
    final long start;
    final long crop;
    final long skip;
    final long read;
    final long finish;
    final long abort;

    /** @throws IllegalArgumentException with the reason if the library cannot be used */
    LibJpegLibrary(SymbolLookup symbols) {
        stdError = Linker.nativeLinker().downcallHandle(symbol(symbols, "jpeg_std_error"), FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        create = symbol(symbols, "jpeg_CreateDecompress").address();
        destroy = symbol(symbols, "jpeg_destroy_decompress").address();
        memorySource = symbol(symbols, "jpeg_mem_src").address();
        readHeader = symbol(symbols, "jpeg_read_header").address();
        start = symbol(symbols, "jpeg_start_decompress").address();
        crop = symbol(symbols, "jpeg_crop_scanline").address();
        skip = symbol(symbols, "jpeg_skip_scanlines").address();
        read = symbol(symbols, "jpeg_read_scanlines").address();
        finish = symbol(symbols, "jpeg_finish_decompress").address();
        abort = symbol(symbols, "jpeg_abort_decompress").address();
        symbol(symbols, "jpeg_read_icc_profile"); // since 2.0
        version = version();
    }

    private static MemorySegment symbol(SymbolLookup symbols, String name) {
        return symbols.find(name).orElseThrow(() -> new IllegalArgumentException("it lacks " + name + ", which libjpeg-turbo has since version 2.0"));
    }

    /** The library checks the number and the size before it writes anything, and refuses what is not its own. */
    private Version version() {
        for (Version v : VERSIONS) {
            try (Arena arena = Arena.ofConfined(); LibJpegState state = new LibJpegState(this, arena)) {
                if (state.create(v)) {
                    return v;
                }
            }
        }
        throw new IllegalArgumentException("its interface is none of versions 6.2, 7 and 8");
    }

    @Override
    String kind() {
        return "libjpeg";
    }

    @Override
    String describe() {
        return "libjpeg-turbo with the interface of version " + version.number() / 10 + "." + version.number() % 10 + ": decodes parts of images";
    }

    @Override
    JpegCodec codec() {
        return new LibJpegCodec(this);
    }
}
