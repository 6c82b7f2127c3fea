package dev.jacquard.data;

import javax.imageio.stream.ImageInputStreamImpl;

/** An ImageIO stream over bytes in memory, without the block cache that {@code MemoryCacheImageInputStream} copies through. */
final class ByteArrayInput extends ImageInputStreamImpl {
    private final byte[] bytes;
    private final int size;

    /** A stream over the array's first {@code size} bytes, which are not copied. */
    ByteArrayInput(byte[] bytes, int size) {
        this.bytes = bytes;
        this.size = size;
    }

    @Override
    public int read() {
        bitOffset = 0;
        return streamPos < size ? bytes[(int) streamPos++] & 0xFF : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        bitOffset = 0;
        if (length == 0) {
            return 0;
        }
        int n = (int) Math.min(length, size - streamPos);
        if (n <= 0) {
            return -1;
        }
        System.arraycopy(bytes, (int) streamPos, target, offset, n);
        streamPos += n;
        return n;
    }

    @Override
    public long length() {
        return size;
    }
}
