package dev.jacquard.data;

import dev.jacquard.data.JavaJpegCodec.Component;

/**
 * From planes of a JPEG's components to RGB: smooth ("fancy") upsampling, a triangle filter, and colours in integers, both as libjpeg has them. Loops are
 * over arrays of their own, so that the compiler makes vectors of them. Not thread-safe.
 */
final class ColorConverter {
    private byte[] blue = new byte[0]; // a row of Cb at full width
    private byte[] red = new byte[0]; // of Cr
    private int[] sums = new int[0]; // of two rows of chroma
    private byte[] r = new byte[0];
    private byte[] g = new byte[0];
    private byte[] b = new byte[0];

    /**
     * Fills a picture.
     *
     * @param parts  the components; their planes begin at unit (left, top)
     * @param count  1 or 3
     * @param across luma blocks of a unit, 1 or 2
     * @param down   the same, of rows
     * @param left   first unit
     * @param top    first row of units
     * @param wanted what the picture covers; within the planes
     */
    void convert(Component[] parts, int count, JpegHeader header, int across, int down, int left, int top, Wanted wanted, Picture out) {
        byte[] target = out.reset(header.width(), header.height(), wanted);
        int width = wanted.width();
        int x = wanted.left() - left * across * 8;
        if (r.length < width) {
            r = new byte[width];
            g = new byte[width];
            b = new byte[width];
        }
        int chromaWidth = Math.ceilDiv(header.width(), across) - left * 8; // what there is of the image from the planes' left on
        int chromaHeight = Math.ceilDiv(header.height(), down) - top * 8;
        for (int row = 0; row < wanted.height(); row++) {
            int y = wanted.top() - top * down * 8 + row;
            int luma = y * parts[0].stride + x;
            int t = row * width * 3;
            if (count == 1) {
                gray(parts[0].plane, luma, width, target, t);
            } else if (header.rgb() && across == 1 && down == 1) {
                int at = luma;
                for (int i = 0; i < width; i++, at++, t += 3) {
                    target[t] = parts[0].plane[at];
                    target[t + 1] = parts[1].plane[at];
                    target[t + 2] = parts[2].plane[at];
                }
            } else if (across == 1) {
                colors(parts[0].plane, luma, parts[1].plane, luma, parts[2].plane, luma, width);
                interleave(width, target, t);
            } else {
                blue = upsampled(parts[1], y, down, chromaWidth, chromaHeight, left, blue);
                red = upsampled(parts[2], y, down, chromaWidth, chromaHeight, left, red);
                colors(parts[0].plane, luma, blue, x, red, x, width);
                interleave(width, target, t);
            }
        }
    }

    private static void gray(byte[] plane, int at, int width, byte[] target, int t) {
        for (int i = 0; i < width; i++, t += 3) {
            byte level = plane[at + i];
            target[t] = level;
            target[t + 1] = level;
            target[t + 2] = level;
        }
    }

    /** A row at twice the width; nearer chroma counts three times as much as farther, on each axis. */
    private byte[] upsampled(Component part, int y, int down, int width, int height, int left, byte[] row) {
        int have = Math.min(part.stride, width);
        byte[] to = row.length >= 2 * part.stride ? row : new byte[2 * part.stride];
        byte[] in = part.plane;
        int near = y / down * part.stride;
        if (left == 0 && width <= 2) { // libjpeg does not smooth so narrow an image
            for (int i = 0; i < have; i++) {
                to[2 * i] = in[near + i];
                to[2 * i + 1] = in[near + i];
            }
            return to;
        }
        sums = sums.length >= have ? sums : new int[have];
        int[] s = sums;
        boolean both = down == 2;
        if (both) {
            int far = Math.clamp(y / 2 + (y % 2 == 0 ? -1 : 1), 0, height - 1) * part.stride;
            for (int i = 0; i < have; i++) {
                s[i] = 3 * (in[near + i] & 0xFF) + (in[far + i] & 0xFF);
            }
        } else {
            for (int i = 0; i < have; i++) {
                s[i] = in[near + i] & 0xFF;
            }
        }
        int shift = both ? 4 : 2;
        int before = both ? 8 : 1; // rounding, to either side, so that it does not lean
        int after = both ? 7 : 2;
        int last = have - 1;
        to[0] = both ? (byte) (s[0] * 4 + 8 >> 4) : (byte) s[0];
        to[2 * last + 1] = both ? (byte) (s[last] * 4 + 7 >> 4) : (byte) s[last];
        for (int i = 1; i < have; i++) {
            to[2 * i] = (byte) (3 * s[i] + s[i - 1] + before >> shift);
        }
        for (int i = 0; i < last; i++) {
            to[2 * i + 1] = (byte) (3 * s[i] + s[i + 1] + after >> shift);
        }
        return to;
    }

    private void colors(byte[] luma, int at, byte[] cb, int cbAt, byte[] cr, int crAt, int width) {
        byte[] toRed = r;
        byte[] toGreen = g;
        byte[] toBlue = b;
        for (int i = 0; i < width; i++) {
            int y = luma[at + i] & 0xFF;
            int u = (cb[cbAt + i] & 0xFF) - 128;
            int v = (cr[crAt + i] & 0xFF) - 128;
            toRed[i] = (byte) Math.max(0, Math.min(y + (91881 * v + 32768 >> 16), 255));
            toGreen[i] = (byte) Math.max(0, Math.min(y + (-22554 * u - 46802 * v + 32768 >> 16), 255));
            toBlue[i] = (byte) Math.max(0, Math.min(y + (116130 * u + 32768 >> 16), 255));
        }
    }

    private void interleave(int width, byte[] target, int t) {
        for (int i = 0; i < width; i++, t += 3) {
            target[t] = r[i];
            target[t + 1] = g[i];
            target[t + 2] = b[i];
        }
    }
}
