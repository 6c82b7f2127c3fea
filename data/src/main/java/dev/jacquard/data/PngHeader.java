package dev.jacquard.data;

/**
 * What a PNG says of itself in its first chunk.
 *
 * @param width  columns
 * @param height rows
 * @param bits   of a pixel
 */
record PngHeader(int width, int height, int bits) {
    private static final long SIGNATURE = 0x89504E470D0A1A0AL;
    private static final int IHDR = 0x49484452;
    private static final int HEADER_BYTES = 33;
    static final int DEFLATE_RATIO = 1032; // the most that deflate makes of a byte: 258 bytes in two bits

    /** Reads the header; null if it is no PNG. Sizes beyond 31 bits, which are not allowed, are negative. */
    static PngHeader parse(byte[] data, int length) {
        if (length < HEADER_BYTES || ((long) u32(data, 0) << 32 | u32(data, 4) & 0xFFFFFFFFL) != SIGNATURE || u32(data, 12) != IHDR) {
            return null;
        }
        int channels = switch (data[25]) {
            case 2 -> 3;
            case 4 -> 2;
            case 6 -> 4;
            default -> 1;
        };
        return new PngHeader(u32(data, 16), u32(data, 20), channels * (data[24] & 0xFF));
    }

    /** A file of fewer bytes cannot hold the pixels. */
    long leastBytes() {
        return (long) ((double) width * height * bits / 8 / DEFLATE_RATIO);
    }

    private static int u32(byte[] data, int at) {
        return data[at] << 24 | (data[at + 1] & 0xFF) << 16 | (data[at + 2] & 0xFF) << 8 | data[at + 3] & 0xFF;
    }
}
