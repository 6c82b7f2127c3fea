package dev.jacquard.cpu.x64;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What 8-bit kernels read besides their operands: constants as whole vectors of 64 bytes, the addresses of a run, and the offsets of pixels. Kernels get its address. */
final class ByteHeader {
    /** Order in which dwords of packed bytes are stored. */
    static final int ORDER = 0;

    /** 127 as floats: the largest result. */
    static final int LARGEST = 64;

    /** The residual's scale as floats. */
    static final int RESIDUAL = 128;

    /** What makes signed bytes unsigned: 128 in each. */
    static final int FLIP = 192;

    /** Zeros. */
    static final int ZERO = 256;

    /** All ones in the lanes of the last vector of the last panel, for AVX2's masked stores. */
    static final int TAIL = 320;

    /** Address of scales and shifts, per panel: floats of all lanes, one after the other. */
    static final int SCALES = 384;

    /** Which dwords the lanes of a vector of several groups of 4 or 8 channels take, for the first four channels and the next. */
    static final int GROUPS = 448;

    /** An int per pixel of a block: its offset from the first. */
    static final int PIXELS = 576;

    private ByteHeader() {}

    /** Fills in all but the addresses and pixels. @param tail channels of the last vector @param group channels of a group */
    static void fill(MemorySegment at, ByteDot dot, float residualScale, int tail, int group) {
        for (int i = 0; i < 16; i++) {
            // Packing leaves, in each lane of 128 bits, four bytes of each vector.
            int lanes = dot.set().bytes() / 16;
            int natural = i / lanes % 4 + i % lanes * 4;
            at.setAtIndex(ValueLayout.JAVA_INT, ORDER / 4 + i, natural);
            at.setAtIndex(ValueLayout.JAVA_FLOAT, LARGEST / 4 + i, 127);
            at.setAtIndex(ValueLayout.JAVA_FLOAT, RESIDUAL / 4 + i, residualScale);
            at.setAtIndex(ValueLayout.JAVA_INT, FLIP / 4 + i, 0x80808080);
            at.setAtIndex(ValueLayout.JAVA_INT, ZERO / 4 + i, 0);
            at.setAtIndex(ValueLayout.JAVA_INT, TAIL / 4 + i, i < tail ? -1 : 0);
            for (int d = 0; d < 2; d++) {
                at.setAtIndex(ValueLayout.JAVA_INT, (GROUPS + 64 * d) / 4 + i, i / group * group / 4 + d);
            }
        }
    }
}
