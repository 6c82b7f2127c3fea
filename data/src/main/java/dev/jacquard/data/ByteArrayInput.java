package dev.jacquard.data;

import java.util.Arrays;
import javax.imageio.stream.ImageInputStreamImpl;

/** An ImageIO stream over bytes in memory, without the block cache that {@code MemoryCacheImageInputStream} copies through. */
final class ByteArrayInput extends ImageInputStreamImpl {
    private static final int[] NONE = {};
    private static final int APP2 = 0xE2;
    private static final byte APP15 = (byte) 0xEF;

    private final byte[] bytes;
    private final int size;
    private final int[] profiles;

    /** A stream over the array's first {@code size} bytes, which are not copied. */
    ByteArrayInput(byte[] bytes, int size) {
        this(bytes, size, NONE);
    }

    private ByteArrayInput(byte[] bytes, int size, int[] profiles) {
        this.bytes = bytes;
        this.size = size;
        this.profiles = profiles;
    }

    /** A stream over a JPEG that shows its colour profile as segments that nobody reads: the JDK's reader makes a lot of one, whether it is needed or not. */
    static ByteArrayInput withoutProfile(byte[] jpeg, int size) {
        int[] profiles = NONE;
        for (int at = 2; at + 4 <= size && jpeg[at] == (byte) 0xFF; at += 2 + ((jpeg[at + 2] & 0xFF) << 8 | jpeg[at + 3] & 0xFF)) {
            int marker = jpeg[at + 1] & 0xFF;
            if (marker == APP2) {
                profiles = Arrays.copyOf(profiles, profiles.length + 1);
                profiles[profiles.length - 1] = at + 1;
            } else if (JpegHeader.isAlone(marker) || marker == 0xDA) {
                break;
            }
        }
        return new ByteArrayInput(jpeg, size, profiles);
    }

    @Override
    public int read() {
        bitOffset = 0;
        if (streamPos >= size) {
            return -1;
        }
        int at = (int) streamPos++;
        return Arrays.binarySearch(profiles, at) >= 0 ? APP15 & 0xFF : bytes[at] & 0xFF;
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
        int from = (int) streamPos;
        System.arraycopy(bytes, from, target, offset, n);
        for (int at : profiles) {
            if (at >= from && at < from + n) {
                target[offset + at - from] = APP15;
            }
        }
        streamPos += n;
        return n;
    }

    @Override
    public long length() {
        return size;
    }
}
