package dev.jacquard.data;

/**
 * The orientation that a camera noted (EXIF 2.3, tag 0x0112): 1 as stored, 2 mirrored left to right, 3 turned by 180 degrees, 4 mirrored top to
 * bottom, 5 transposed, 6 to be turned 90 degrees clockwise, 7 transposed along the other diagonal, 8 to be turned 90 degrees counterclockwise.
 */
final class ExifOrientation {
    /** As stored. */
    static final int NONE = 1;

    private static final int TAG = 0x0112;
    private static final int SHORT = 3;

    private ExifOrientation() {}

    /** The orientation that a TIFF structure's first directory holds, {@link #NONE} if none or if it is damaged. */
    static int read(byte[] data, int from, int to) {
        if (to - from < 14) {
            return NONE;
        }
        boolean little = data[from] == 'I' && data[from + 1] == 'I';
        if (!little && !(data[from] == 'M' && data[from + 1] == 'M')) {
            return NONE;
        }
        long directory = from + u32(data, from + 4, little);
        if (directory < from + 8 || directory + 2 > to) {
            return NONE;
        }
        int entries = u16(data, (int) directory, little);
        for (int i = 0; i < entries; i++) {
            long entry = directory + 2 + 12L * i;
            if (entry + 12 > to) {
                return NONE;
            }
            int at = (int) entry;
            if (u16(data, at, little) == TAG && u16(data, at + 2, little) == SHORT) {
                int value = u16(data, at + 8, little);
                return value >= 1 && value <= 8 ? value : NONE;
            }
        }
        return NONE;
    }

    /** Whether width and height change places. */
    static boolean swaps(int orientation) {
        return orientation >= 5;
    }

    /**
     * The part of the stored image that becomes a part of the upright one.
     *
     * @param width  of the stored image
     * @param height of the stored image
     */
    static Wanted stored(Wanted upright, int orientation, int width, int height) {
        boolean swap = swaps(orientation);
        int w = swap ? upright.height() : upright.width();
        int h = swap ? upright.width() : upright.height();
        int x = swap ? upright.top() : upright.left();
        int y = swap ? upright.left() : upright.top();
        boolean mirrorX = mirrorsColumns(orientation);
        boolean mirrorY = mirrorsRows(orientation);
        return new Wanted(mirrorX ? width - x - w : x, mirrorY ? height - y - h : y, w, h, 1);
    }

    /** Turns a picture of a part of the stored image, unreduced, upright. */
    static void turn(Picture stored, int orientation, Picture out) {
        int w = stored.width();
        int h = stored.height();
        boolean swap = swaps(orientation);
        int x = mirrorsColumns(orientation) ? stored.fullWidth() - stored.left() - w : stored.left();
        int y = mirrorsRows(orientation) ? stored.fullHeight() - stored.top() - h : stored.top();
        byte[] in = stored.pixels();
        byte[] target = swap ? out.reset(stored.fullHeight(), stored.fullWidth(), new Wanted(y, x, h, w, 1))
                : out.reset(stored.fullWidth(), stored.fullHeight(), new Wanted(x, y, w, h, 1));
        int across = swap ? h * 3 : 3; // what a step to the right in the stored image is in the upright one, in bytes
        int down = swap ? 3 : w * 3;
        int origin = 0;
        if (mirrorsColumns(orientation)) {
            origin += (w - 1) * across;
            across = -across;
        }
        if (mirrorsRows(orientation)) {
            origin += (h - 1) * down;
            down = -down;
        }
        for (int row = 0, p = 0; row < h; row++) {
            for (int column = 0, t = origin + row * down; column < w; column++, p += 3, t += across) {
                target[t] = in[p];
                target[t + 1] = in[p + 1];
                target[t + 2] = in[p + 2];
            }
        }
    }

    private static boolean mirrorsColumns(int orientation) {
        return orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    }

    private static boolean mirrorsRows(int orientation) {
        return orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    }

    private static int u16(byte[] data, int at, boolean little) {
        int a = data[at] & 0xFF;
        int b = data[at + 1] & 0xFF;
        return little ? b << 8 | a : a << 8 | b;
    }

    private static long u32(byte[] data, int at, boolean little) {
        long a = u16(data, at, little);
        long b = u16(data, at + 2, little);
        return little ? b << 16 | a : a << 16 | b;
    }
}
