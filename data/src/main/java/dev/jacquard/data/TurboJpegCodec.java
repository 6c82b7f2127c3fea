package dev.jacquard.data;

import dev.jacquard.data.TurboJpegLibrary.Api;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Decodes by libjpeg-turbo, with its accurate inverse cosine transform and smooth ("fancy") upsampling, which are what Pillow uses. A warning of the
 * library ends a decode: whether the damage matters is for the Java codec to say, so that an image is good with this library if it is without.
 *
 * <p>With version 3 only the wanted part is transformed and converted, and what lies below it is not even read; if that is still to be looked at, the part
 * goes down to the lower edge.
 */
final class TurboJpegCodec implements JpegCodec {
    private static final int INIT_DECOMPRESS = 1;
    private static final int RGB = 0; // TJPF_RGB
    private static final int FLAGS = 4096 | 8192 | 32768; // of version 2: accurate DCT, stop on warnings, at most 500 scans
    // Parameters of version 3.
    private static final int STOP_ON_WARNING = 0;
    private static final int SUBSAMPLING = 4;
    private static final int SCAN_LIMIT = 13;
    private static final int SAVE_MARKERS = 25;
    private static final int MAX_SCANS = 500;
    /** Width and height of the least coded unit by subsampling: 4:4:4, 4:2:2, 4:2:0, gray, 4:4:0, 4:1:1. Others are not cut. */
    private static final int[] UNIT_WIDTH = {8, 16, 16, 8, 8, 32};
    private static final int[] UNIT_HEIGHT = {8, 8, 16, 8, 16, 8};
    private static final int LEAST_REDUCED = 64; // pixels; of tiny images version 2 might take another factor

    private final TurboJpegLibrary library;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment scale = arena.allocate(TurboJpegLibrary.SCALE);
    private final MemorySegment region = arena.allocate(TurboJpegLibrary.REGION);
    private final NativeBuffer file = new NativeBuffer();
    private final NativeBuffer pixels = new NativeBuffer();
    private MemorySegment handle;

    /** A decoder of its own state. @throws IllegalStateException if the library makes none */
    TurboJpegCodec(TurboJpegLibrary library) {
        this.library = library;
        begin();
    }

    private void begin() {
        try {
            handle = library.api == Api.THREE ? (MemorySegment) library.init.invokeExact(INIT_DECOMPRESS) : (MemorySegment) library.init.invokeExact();
            if (handle.equals(MemorySegment.NULL)) {
                throw new IllegalStateException("libturbojpeg makes no decoder");
            }
            if (library.api == Api.THREE) {
                set(STOP_ON_WARNING, 1);
                set(SCAN_LIMIT, MAX_SCANS);
                set(SAVE_MARKERS, 0); // no copies of colour profiles; version 3.0 has no such parameter, nor the copies
            }
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private void end() {
        try {
            if (library.api == Api.THREE) {
                library.destroy.invokeExact(handle);
            } else {
                int ignored = (int) library.destroy.invokeExact(handle);
            }
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    @Override
    public boolean decode(byte[] data, int length, JpegHeader header, Wanted wanted, boolean sound, Picture out) {
        MemorySegment in = file.atLeast(length);
        MemorySegment.copy(data, 0, in, ValueLayout.JAVA_BYTE, 0, length);
        int reduction = Math.min(header.width(), header.height()) < LEAST_REDUCED ? 1 : wanted.reduction();
        boolean done;
        try {
            done = library.api == Api.THREE ? part(in, length, header, wanted, reduction, sound, out) : whole(in, length, header, wanted, reduction, out);
        } catch (Throwable t) {
            throw unexpected(t);
        }
        if (!done) { // what it remembers of a damaged file may harm the next: version 3 refuses whatever follows some
            end();
            begin();
        }
        return done;
    }

    private boolean whole(MemorySegment in, long length, JpegHeader header, Wanted wanted, int reduction, Picture out) throws Throwable {
        int width = Math.ceilDiv(header.width(), reduction);
        int height = Math.ceilDiv(header.height(), reduction);
        MemorySegment to = pixels.atLeast(3L * width * height);
        if ((int) library.decompress.invokeExact(handle, in, length, to, width, 3 * width, height, RGB, FLAGS) != 0) {
            return false;
        }
        Wanted covered = within(wanted, reduction, header);
        byte[] target = out.reset(header.width(), header.height(), covered);
        int line = 3 * out.width();
        long at = 3L * (covered.top() / reduction * (long) width + covered.left() / reduction);
        for (int y = 0; y < out.height(); y++, at += 3L * width) {
            MemorySegment.copy(to, ValueLayout.JAVA_BYTE, at, target, y * line, line);
        }
        return true;
    }

    private boolean part(MemorySegment in, long length, JpegHeader header, Wanted wanted, int reduction, boolean sound, Picture out) throws Throwable {
        if ((int) library.header.invokeExact(handle, in, length) != 0) {
            return false;
        }
        scale.set(ValueLayout.JAVA_INT, 0, 1);
        scale.set(ValueLayout.JAVA_INT, 4, reduction);
        if ((int) library.scale.invokeExact(handle, scale) != 0) {
            return false;
        }
        Wanted covered = units(within(wanted, reduction, header), header, (int) library.get.invokeExact(handle, SUBSAMPLING));
        byte[] target = out.reset(header.width(), header.height(), covered);
        int rows = sound ? out.height() : Math.ceilDiv(header.height() - covered.top(), reduction);
        boolean all = covered.width() == header.width() && rows == Math.ceilDiv(header.height(), reduction);
        region.setAtIndex(ValueLayout.JAVA_INT, 0, covered.left() / reduction);
        region.setAtIndex(ValueLayout.JAVA_INT, 1, covered.top() / reduction);
        region.setAtIndex(ValueLayout.JAVA_INT, 2, all ? 0 : out.width()); // an empty region is all of the image
        region.setAtIndex(ValueLayout.JAVA_INT, 3, all ? 0 : rows);
        if ((int) library.crop.invokeExact(handle, region) != 0) {
            return false;
        }
        MemorySegment to = pixels.atLeast(3L * out.width() * rows);
        if ((int) library.decompress.invokeExact(handle, in, length, to, 3 * out.width(), RGB) != 0) {
            return false;
        }
        MemorySegment.copy(to, ValueLayout.JAVA_BYTE, 0, target, 0, 3 * out.width() * out.height());
        return true;
    }

    /** The part in multiples of the reduction. */
    private static Wanted within(Wanted wanted, int reduction, JpegHeader header) {
        return rounded(wanted, reduction, reduction, 0, reduction, header);
    }

    /** The part in whole units and one more to each side: the smooth upsampling at a cut has no neighbours to look at. */
    private static Wanted units(Wanted part, JpegHeader header, int subsampling) {
        if (subsampling < 0 || subsampling >= UNIT_WIDTH.length) {
            return new Wanted(0, 0, header.width(), header.height(), part.reduction());
        }
        return rounded(part, UNIT_WIDTH[subsampling], UNIT_HEIGHT[subsampling], 1, part.reduction(), header);
    }

    private static Wanted rounded(Wanted part, int unitWidth, int unitHeight, int margin, int reduction, JpegHeader header) {
        int left = Math.max(part.left() / unitWidth - margin, 0) * unitWidth;
        int top = Math.max(part.top() / unitHeight - margin, 0) * unitHeight;
        int right = Math.min((Math.ceilDiv(part.left() + part.width(), unitWidth) + margin) * unitWidth, header.width());
        int bottom = Math.min((Math.ceilDiv(part.top() + part.height(), unitHeight) + margin) * unitHeight, header.height());
        return new Wanted(left, top, right - left, bottom - top, reduction);
    }

    private void set(int parameter, int value) throws Throwable {
        int ignored = (int) library.set.invokeExact(handle, parameter, value);
    }

    private static RuntimeException unexpected(Throwable t) {
        return switch (t) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            case Throwable e -> new IllegalStateException(e);
        };
    }

    @Override
    public void close() {
        if (handle != null) {
            end();
            handle = null;
            file.close();
            pixels.close();
            arena.close();
        }
    }
}
