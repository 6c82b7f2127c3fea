package dev.jacquard.data;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.data.LibJpegLibrary.Version;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A {@code jpeg_decompress_struct} with its error manager and its progress manager. The offsets are those of 64-bit systems, the same in the interfaces 6.2, 7 and 8. Not
 * thread-safe.
 */
@SuppressWarnings("restricted") // reads a table that the library points to
final class LibJpegState implements AutoCloseable {
    // Of jpeg_decompress_struct.
    private static final long PROGRESS = 16;
    private static final long CLIENT_DATA = 24;
    private static final long IMAGE_WIDTH = 48;
    private static final long IMAGE_HEIGHT = 52;
    private static final long OUT_COLOR_SPACE = 64;
    private static final long SCALE_NUMERATOR = 68;
    private static final long SCALE_DENOMINATOR = 72;
    private static final long OUTPUT_WIDTH = 136;
    private static final long OUTPUT_HEIGHT = 140;
    private static final long OUTPUT_COMPONENTS = 148;
    private static final long COEF_BITS = 192; // of progressive files: for each component and each of 64 coefficients the lower bits that no scan brought, or -1; else null
    private static final long BYTES = 1024; // more than any version has
    // Of jpeg_error_mgr.
    private static final long ERROR_EXIT = 0;
    private static final long EMIT_MESSAGE = 8;
    private static final long OUTPUT_MESSAGE = 16;
    private static final long ERROR_BYTES = 256; // it has 168
    private static final long PROGRESS_BYTES = 32;
    private static final int RGB = 2; // JCS_RGB
    private static final int GUESSED_FROM = 10; // coefficients, in zigzag order

    private final LibJpegLibrary library;
    private final MemorySegment registers;
    private final MemorySegment cinfo;
    private final MemorySegment progress;
    private final MemorySegment error;
    private final MemorySegment columns; // left and width
    private boolean created;

    /** Nothing yet: {@link #create} makes it. */
    LibJpegState(LibJpegLibrary library, Arena arena) {
        this.library = library;
        registers = arena.allocate(ErrorExit.REGISTERS, 64);
        cinfo = arena.allocate(BYTES, 64);
        progress = arena.allocate(PROGRESS_BYTES, 64);
        error = arena.allocate(ERROR_BYTES, 64);
        columns = arena.allocate(8, 8);
    }

    /** Makes a decoder. @return false if the library has another version */
    boolean create(Version version) {
        try {
            MemorySegment ignored = (MemorySegment) library.stdError.invokeExact(error);
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        }
        error.set(JAVA_LONG, ERROR_EXIT, ErrorExit.errorExit());
        error.set(JAVA_LONG, EMIT_MESSAGE, ErrorExit.emitMessage());
        error.set(JAVA_LONG, OUTPUT_MESSAGE, ErrorExit.outputMessage());
        progress.set(JAVA_LONG, 0, ErrorExit.progressMonitor());
        cinfo.fill((byte) 0);
        cinfo.set(JAVA_LONG, 0, error.address());
        cinfo.set(JAVA_LONG, CLIENT_DATA, registers.address()); // the library keeps both
        created = call(library.create, version.number(), version.cinfo());
        cinfo.set(JAVA_LONG, PROGRESS, progress.address());
        return created;
    }

    /** Reads the header of a JPEG. @return false if it is not of this size, or odd */
    boolean open(MemorySegment file, long length, int width, int height) {
        return call(library.memorySource, file.address(), length) && call(library.readHeader, 1, 0)
                && cinfo.get(JAVA_INT, IMAGE_WIDTH) == width && cinfo.get(JAVA_INT, IMAGE_HEIGHT) == height;
    }

    /** Begins to decode, to RGB by the accurate transform and the smooth upsampling, which are the library's defaults. Of progressive files it reads all. */
    boolean start(int reduction) {
        cinfo.set(JAVA_INT, OUT_COLOR_SPACE, RGB);
        cinfo.set(JAVA_INT, SCALE_NUMERATOR, 1);
        cinfo.set(JAVA_INT, SCALE_DENOMINATOR, reduction);
        return call(library.start, 0, 0) && cinfo.get(JAVA_INT, OUTPUT_COMPONENTS) == 3;
    }

    /** After {@link #start}: whether the file's scans brought all of the coefficients from which the library, each version in its own way, would otherwise guess the others. */
    boolean complete(int components) {
        MemorySegment bits = cinfo.get(ADDRESS, COEF_BITS).reinterpret(4L * 64 * components);
        for (int c = 0; c < components && bits.address() != 0; c++) {
            for (int k = 1; k < GUESSED_FROM; k++) {
                if (bits.getAtIndex(JAVA_INT, 64L * c + k) != 0) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Columns of the picture. */
    int outputWidth() {
        return cinfo.get(JAVA_INT, OUTPUT_WIDTH);
    }

    /** Rows of the picture. */
    int outputHeight() {
        return cinfo.get(JAVA_INT, OUTPUT_HEIGHT);
    }

    /** Leaves out what is left and right of these columns. @return the first column that rows then have, at most {@code left}, or -1; {@link #outputWidth} is their length */
    int crop(int left, int width) {
        columns.set(JAVA_INT, 0, left);
        columns.set(JAVA_INT, 4, width);
        return call(library.crop, columns.address(), columns.address() + 4) ? columns.get(JAVA_INT, 0) : -1;
    }

    /** Leaves out rows. They are read, but if the last row is among them, what is behind it is not. */
    boolean skip(int rows) {
        return call(library.skip, rows, 0) && ErrorExit.result(registers) == rows;
    }

    /** Reads rows. @param pointers to where each goes @return how many there are now, or 0 for an error */
    int read(MemorySegment pointers, int most) {
        return call(library.read, pointers.address(), most) ? ErrorExit.result(registers) : 0;
    }

    /** After the last row: reads on to the end. */
    boolean finish() {
        return call(library.finish, 0, 0);
    }

    /** Forgets the picture, without reading on. */
    boolean abort() {
        return call(library.abort, 0, 0);
    }

    private boolean call(long function, long second, long third) {
        return ErrorExit.call(registers, function, cinfo.address(), second, third);
    }

    /** Frees what the library allocated; another decoder can be made then. */
    @Override
    public void close() {
        if (created) {
            created = false;
            call(library.destroy, 0, 0);
        }
    }
}
