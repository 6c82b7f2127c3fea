package dev.jacquard.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A picture that is being changed, and the scratch memory for it: 8-bit RGB (H, W, 3). Arrays grow to the largest picture and are used again,
 * so that a picture makes no garbage of its size. Not thread-safe: one per thread.
 */
final class Canvas {
    /** The level that is shown where a picture ends. */
    static final byte GRAY = (byte) 128;

    private int width;
    private int height;
    private byte[] pixels = new byte[0];
    private byte[] spare = new byte[0];
    private int[] sums = new int[0];
    private final int[] histogram = new int[3 * 256];
    private final byte[] table = new byte[3 * 256];

    /** Makes room for a picture of this size; what it shows is undefined. */
    void reset(int newWidth, int newHeight) {
        width = newWidth;
        height = newHeight;
        int bytes = length();
        if (pixels.length < bytes) {
            pixels = new byte[bytes];
            spare = new byte[bytes];
        }
    }

    /** W. */
    int width() {
        return width;
    }

    /** H. */
    int height() {
        return height;
    }

    /** Number of bytes, H x W x 3; the arrays may be longer. */
    int length() {
        return Math.multiplyExact(Math.multiplyExact(width, height), 3);
    }

    /** The picture (H, W, 3). */
    byte[] pixels() {
        return pixels;
    }

    /** A second array, for operations that cannot work in place; after {@link #swap} it is the picture. */
    byte[] spare() {
        return spare;
    }

    /** Makes the second array the picture, and the picture the second array. */
    void swap() {
        byte[] old = pixels;
        pixels = spare;
        spare = old;
    }

    /** An array of at least so many integers, content undefined. */
    int[] sums(int count) {
        if (sums.length < count) {
            sums = new int[count];
        }
        return sums;
    }

    /** Counts the levels of each channel: (3, 256), overwritten by the next call. */
    int[] histogram() {
        Arrays.fill(histogram, 0);
        for (int i = 0, n = length(); i < n; i += 3) {
            histogram[pixels[i] & 0xFF]++;
            histogram[256 + (pixels[i + 1] & 0xFF)]++;
            histogram[512 + (pixels[i + 2] & 0xFF)]++;
        }
        return histogram;
    }

    /** The table (3, 256) that {@link #lookUp} applies; fill it first. */
    byte[] table() {
        return table;
    }

    /** Replaces each value by its channel's entry in the table. */
    void lookUp() {
        for (int i = 0, n = length(); i < n; i += 3) {
            pixels[i] = table[pixels[i] & 0xFF];
            pixels[i + 1] = table[256 + (pixels[i + 1] & 0xFF)];
            pixels[i + 2] = table[512 + (pixels[i + 2] & 0xFF)];
        }
    }

    /** As {@link #lookUp}, with the first channel's part of the table for all. */
    void lookUpAlike() {
        for (int i = 0, n = length(); i < n; i++) {
            pixels[i] = table[pixels[i] & 0xFF];
        }
    }

    /** Writes the picture (H, W, 3) at {@code offset}. */
    void copyTo(MemorySegment out, long offset) {
        MemorySegment.copy(pixels, 0, out, ValueLayout.JAVA_BYTE, offset, length());
    }
}
