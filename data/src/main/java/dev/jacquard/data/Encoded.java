package dev.jacquard.data;

/**
 * The encoded bytes of one image, in memory that is used again for the next one: what {@link ImageSource#read} fills. The memory grows to the largest
 * image read and stays so. Not thread-safe: one per reading thread.
 */
public final class Encoded {
    private static final int LEAST = 1 << 12;

    /** This object's own memory; {@link #bytes} is another array while it stands for one that a source keeps. */
    private byte[] own = new byte[0];
    private byte[] bytes = own;
    private int length;

    /** The array that holds the image in its first {@link #length} bytes; to be read only, and only until the next image is read. */
    public byte[] bytes() {
        return bytes;
    }

    /** Number of bytes of the image. */
    public int length() {
        return length;
    }

    /** Makes room for an image of so many bytes. @return an array of at least that length, to be filled from its beginning */
    public byte[] room(int size) {
        if (own.length < size) {
            int grown = (int) Math.min(size + (size >> 2) + (long) LEAST, Integer.MAX_VALUE - 8);
            own = new byte[Math.max(grown, size)];
        }
        bytes = own;
        length = size;
        return own;
    }

    /** Stands for an array that someone keeps, without copying it; it is not written to. */
    public void refer(byte[] kept) {
        bytes = kept;
        length = kept.length;
    }

    /** Takes another's image and gives it this one's: memory changes hands, nothing is copied. */
    void exchange(Encoded other) {
        byte[] memory = own;
        byte[] image = bytes;
        int size = length;
        own = other.own;
        bytes = other.bytes;
        length = other.length;
        other.own = memory;
        other.bytes = image;
        other.length = size;
    }
}
