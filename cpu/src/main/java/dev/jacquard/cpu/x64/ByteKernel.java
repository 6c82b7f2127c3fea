package dev.jacquard.cpu.x64;

/**
 * A kernel that multiplies a block of pixels by panels of channels, and how its weights are packed: per panel a correction for each lane, then for each four of depth the bytes
 * of each lane.
 */
sealed interface ByteKernel extends Kernel.Spec permits ByteTiles, ByteDepthwise {
    /** Lanes of a full panel. */
    int lanes();

    /** Lanes of the last panel, of which some may have no channel. */
    int lastLanes();

    /** The channel of its panel that a lane has. */
    int channel(int lane);

    /** Runs of adjacent bytes that the depth of a channel's weights is made of; each is filled up to a multiple of four. */
    int runs();

    /** Bytes of a full panel. */
    long panelBytes();

    /**
     * The last argument of a call. @param pixels of the block @param panels full ones @param last whether the last panel follows @param first index of the first panel, for its
     * scales
     */
    long counts(int pixels, int panels, boolean last, int first);

    /** Puts the fields together: 16 bits for the larger tiles, 16 for the smaller ones, 15 for panels, one for the last, 16 for the first. */
    static long counts(int large, int small, int panels, boolean last, int first) {
        return large | (long) small << 16 | (long) panels << 32 | (last ? 1L << 47 : 0) | (long) first << 48;
    }
}
