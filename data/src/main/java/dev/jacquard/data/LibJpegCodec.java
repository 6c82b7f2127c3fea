package dev.jacquard.data;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Decodes by libjpeg-turbo through libjpeg's interface, with the accurate inverse cosine transform and smooth ("fancy") upsampling that Pillow uses. A warning of the library
 * ends a decode: whether the damage matters is for the Java codec to say, so that an image is good with this library if it is without.
 *
 * <p>Only the wanted columns are transformed and converted, and only the wanted rows; the others are read, those below only if the image has not been looked at before.
 */
final class LibJpegCodec implements JpegCodec {
    private static final int ROWS = 4; // as many as the library makes at once
    private static final int MARGIN = 1; // the smooth upsampling at a cut has no neighbours to look at
    private static final int LEAST_WIDTH = 64; // which the upsampling takes for a picture like others
    private static final int SPARE = 128; // bytes

    private final LibJpegLibrary library;
    private final Arena arena = Arena.ofShared(); // a decoder may be closed by another thread than the one that used it
    private final LibJpegState state;
    private final MemorySegment pointers = arena.allocate(ROWS * JAVA_LONG.byteSize(), 64);
    private final NativeBuffer file = new NativeBuffer();
    private final NativeBuffer lines = new NativeBuffer();
    private boolean closed;

    /** A decoder of its own state. @throws IllegalStateException if the library makes none */
    LibJpegCodec(LibJpegLibrary library) {
        this.library = library;
        state = new LibJpegState(library, arena);
        begin();
    }

    private void begin() {
        if (!state.create(library.version)) {
            throw new IllegalStateException("libjpeg makes no decoder");
        }
    }

    @Override
    public boolean decode(byte[] data, int length, JpegHeader header, Wanted wanted, boolean sound, Picture out) {
        MemorySegment in = file.atLeast(length);
        MemorySegment.copy(data, 0, in, JAVA_BYTE, 0, length);
        Wanted part = header.coarse() ? wanted.unreduced() : wanted; // before version 3 the library loses columns of such components where it both reduces and cuts
        boolean done = state.open(in, length, header.width(), header.height()) && state.start(part.reduction()) && state.complete(header.components())
                && part(header, part, sound, out);
        if (!done) {
            state.close();
            begin();
        }
        return done;
    }

    private boolean part(JpegHeader header, Wanted wanted, boolean sound, Picture out) {
        int reduction = wanted.reduction();
        int fullWidth = Math.ceilDiv(header.width(), reduction);
        int fullHeight = Math.ceilDiv(header.height(), reduction);
        if (state.outputWidth() != fullWidth || state.outputHeight() != fullHeight) {
            return false;
        }
        int left = wanted.left() / reduction;
        int top = wanted.top() / reduction;
        int right = Math.ceilDiv(wanted.left() + wanted.width(), reduction);
        int bottom = Math.ceilDiv(wanted.top() + wanted.height(), reduction);
        int from = Math.max(Math.min(left - MARGIN, fullWidth - LEAST_WIDTH), 0);
        int first = state.crop(from, Math.min(Math.max(right + MARGIN, from + LEAST_WIDTH), fullWidth) - from);
        if (first < 0 || top > 0 && !state.skip(top)) {
            return false;
        }
        byte[] target = out.reset(header.width(), header.height(), covered(header, left, top, right, bottom, reduction));
        if (!rows(bottom - top, 3L * (left - first), target, 3 * (right - left))) {
            return false;
        }
        return sound ? state.abort() : rest(fullHeight - bottom) && state.finish();
    }

    private static Wanted covered(JpegHeader header, int left, int top, int right, int bottom, int reduction) {
        return new Wanted(left * reduction, top * reduction, Math.min(right * reduction, header.width()) - left * reduction,
                Math.min(bottom * reduction, header.height()) - top * reduction, reduction);
    }

    /** Reads rows and keeps so many bytes of each, a few rows at a time, as long as they are in the cache. */
    private boolean rows(int count, long skipped, byte[] target, int bytes) {
        long stride = (3L * state.outputWidth() + SPARE) / 64 * 64;
        MemorySegment buffer = lines.atLeast(ROWS * stride + SPARE);
        for (int i = 0; i < ROWS; i++) {
            pointers.setAtIndex(JAVA_LONG, i, buffer.address() + i * stride);
        }
        int at = 0;
        for (int row = 0; row < count;) {
            int read = state.read(pointers, Math.min(ROWS, count - row));
            if (read == 0) {
                return false;
            }
            for (int i = 0; i < read && target != null; i++, at += bytes) {
                MemorySegment.copy(buffer, JAVA_BYTE, i * stride + skipped, target, at, bytes);
            }
            row += read;
        }
        return true;
    }

    /** Reads the rows below, without making pixels of them but of the last: what is behind that one is not looked at otherwise. */
    private boolean rest(int count) {
        return count == 0 || (count == 1 || state.skip(count - 1)) && rows(1, 0, null, 0);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            state.close();
            file.close();
            lines.close();
            arena.close();
        }
    }
}
