package dev.jacquard.cpu.x64;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The argument of a {@link ProductKernel}'s call: longs at fixed places in native memory, one frame per worker. Numbers are bytes unless they count something. */
final class ProductFrame {
    /** A: the first row's first element; listed rows: what their offsets are relative to. */
    static final int A = 0;
    /** The packed panel. */
    static final int B = 8;
    /** C: the first row's first column; listed rows: what their offsets are relative to. */
    static final int C = 16;
    /** Rows, or tiles. */
    static final int COUNT = 24;
    /** Depth, or depth of a tap. */
    static final int DEPTH = 32;
    /** The first tile of a table. */
    static final int TABLE = 40;
    /** Taps of a tile. */
    static final int TAPS = 48;
    /** At least {@link #DEPTH} zeros. */
    static final int ZEROS = 56;
    /** Partial sums: the tile's vectors one after the other, all rows of the call. */
    static final int PARTIAL = 64;
    /** The panel's first scale. */
    static final int SCALE = 72;
    /** The panel's first shift. */
    static final int SHIFT = 80;
    /** As {@link #C}: the residual, or the images if there is none. */
    static final int BESIDE = 88;
    /** {@link #CONTINUES}, {@link #STOPS}. */
    static final int FLAGS = 96;
    /** Where in a tile of the table its first tap is. */
    static final int TAP_AT = 104;
    /** Size of a tile of the table. */
    static final int TILE_BYTES = 112;
    /** Size of a tap of the panel. */
    static final int TAP_BYTES = 120;

    /** The partial sums are added to the sums. */
    static final int CONTINUES = 1;
    /** Sums go to the partial ones. */
    static final int STOPS = 2;

    /** Even rows: from the end of a tap's elements in A to the beginning of the next one's. */
    static final int TAP_STEP = 128;

    /** Even rows: how often {@link #COUNT} of them follow one another. */
    static final int LINES = 136;
    /** Even rows: from where in A a line would go on to where the next one begins. */
    static final int LINE_STEP = 144;
    /** Even rows: how far before its use A is asked for. */
    static final int AHEAD = 152;

    /** Gated images: the first gate of the image's channels. */
    static final int GATE = 160;

    /** Even rows with something beside: of a tile's steps, in fours, a part for each row, and what is left of them after so many parts. */
    static final int PART = 168;
    /** See {@link #PART}. */
    static final int LAST_PART = 176;

    /** Steps of depth at once. */
    static final int STEPS = 4;

    /**
     * Even rows: from B to the line that the first tile asks for at every step of depth, the next tile for the line behind it, up to {@link #NEXT_END}; then, and with 0 for both,
     * none does.
     */
    static final int NEXT = 184;
    /** See {@link #NEXT}. */
    static final int NEXT_END = 192;
    /** The kernel's own: lines that are left. */
    static final int LINES_LEFT = 200;

    /** What was rectified: from {@link #BESIDE} on if rows are even, else as {@link #C}. */
    static final int RECTIFIER = 208;
    /** With sums per channel: slot of the panel's first vector of channels, as in {@link ChannelSums}. */
    static final int SUMS = 216;
    /** With statistics: zero before a chunk's first tile. */
    static final int BEGUN = 224;
    /** With sums of a gradient: table of the panel's first vector of channels, as in {@link GradientSums}. */
    static final int NORMALISED = 248;
    /** With sums of a gradient, what was normalised: from {@link #BESIDE} on if rows are even, else as {@link #C}. */
    static final int IMAGES = 256;

    /** Of a tile's steps, in fours, a part between rows of {@link LateRows}, and what is left of them after so many parts. */
    static final int LATE_PART = 232;
    /** See {@link #LATE_PART}. */
    static final int LATE_LAST_PART = 240;
    /** The kernel's own: from a row of C to those of {@link #BESIDE}, {@link #RECTIFIER} and {@link #IMAGES}. */
    static final int FROM_C = 264;
    /** The kernel's own: a tile's sums, for {@link LateRows}. */
    static final int KEPT = 320;

    /** The kernel's own: sums per channel of these, for {@link LateGradient}. */
    static final int TILE_SUMS = KEPT + 24 * 64;

    /** Size of a frame, unless its kernel wants more behind it. */
    static final int END = TILE_SUMS + 2 * 6 * 64;

    private final MemorySegment memory;
    private final long address;

    ProductFrame() {
        memory = Native.zeros(END);
        address = memory.address();
    }

    /**
     * A frame in pages of its own: where its end is read in order, the processor asks for lines behind it, which another worker may be writing.
     *
     * @param bytes of the frame and what its kernel keeps behind it
     */
    ProductFrame(int bytes) {
        memory = Native.pages(bytes);
        address = memory.address();
    }

    /** The depth, or that of a tap, and its parts. @param tileRows rows of a tile */
    ProductFrame depth(int depth, int tileRows) {
        int fours = depth / STEPS;
        int parts = LateRows.parts(tileRows);
        return set(LATE_PART, fours / parts).set(LATE_LAST_PART, fours % parts).set(DEPTH, depth).set(PART, fours / tileRows).set(LAST_PART, fours % tileRows);
    }

    ProductFrame set(int at, long value) {
        memory.set(ValueLayout.JAVA_LONG, at, value);
        return this;
    }

    void run(Kernel kernel) {
        kernel.run(address, 0, 0, 0, 0, 0);
    }
}
