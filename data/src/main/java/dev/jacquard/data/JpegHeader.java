package dev.jacquard.data;

/**
 * What a JPEG file says of itself before its first scan, as far as decoding needs it.
 *
 * @param width       columns
 * @param height      rows (0 if the file defers it to a DNL segment)
 * @param precision   bits per sample
 * @param components  channels as stored: 1 gray, 3 YCbCr or RGB, 4 CMYK or YCCK
 * @param coding      how the coefficients are coded
 * @param rgb         whether three components are red, green, blue rather than YCbCr, by libjpeg's rule
 * @param complete    whether an end-of-image marker follows the first scan's start
 * @param blocks      8x8 blocks of all components, without padding
 * @param scans       of the file, as many as are there
 * @param whole       whether the file brings the tables that its scans use
 * @param tall        a bit for each component, from the lowest, that has as many columns as the picture and half of its rows
 * @param coarse      whether a component has less than half of the columns or of the rows
 * @param orientation of EXIF, 1 to 8; 1 if the file says none
 */
record JpegHeader(int width, int height, int precision, int components, Coding coding, boolean rgb, boolean complete, long blocks, int scans, boolean whole, int tall,
        boolean coarse, int orientation) {
    private static final int SOI = 0xD8;
    private static final int EOI = 0xD9;
    private static final int SOS = 0xDA;
    private static final int APP0 = 0xE0;
    private static final int APP1 = 0xE1;
    private static final int APP14 = 0xEE;

    /** How coefficients are coded. */
    enum Coding {
        /** Baseline or extended sequential, Huffman. */
        SEQUENTIAL,
        /** Progressive, Huffman. */
        PROGRESSIVE,
        /** Lossless, hierarchical or arithmetic: not what the JDK's reader decodes. */
        OTHER
    }

    /** Whether the bytes start as a JPEG does. */
    static boolean matches(byte[] data, int length) {
        return length > 3 && u8(data, 0) == 0xFF && u8(data, 1) == SOI;
    }

    /** Reads the segments up to the first scan; null if there is no frame or no scan, or a segment runs past the end. */
    static JpegHeader parse(byte[] data, int size) {
        int frame = -1;
        int frameMarker = 0;
        boolean jfif = false;
        int adobe = -1;
        int orientation = 1;
        int at = 2;
        while (at + 4 <= size) {
            int marker = u8(data, at + 1);
            if (u8(data, at) != 0xFF || marker == 0xFF) {
                at++; // bytes between segments: libjpeg skips them
                continue;
            }
            if (isAlone(marker)) {
                at += 2;
                continue;
            }
            int length = u16(data, at + 2);
            if (marker == EOI || length < 2 || at + 2 + length > size) {
                return null;
            }
            int body = at + 4;
            if (isFrame(marker)) {
                frame = body;
                frameMarker = marker;
                if (length < 8 || length < 8 + 3 * u8(data, body + 5)) {
                    return null;
                }
            } else if (marker == APP0 && starts(data, body, length - 2, "JFIF")) {
                jfif = true;
            } else if (marker == APP1 && starts(data, body, length - 2, "Exif\0\0")) {
                orientation = ExifOrientation.read(data, body + 6, body + length - 2);
            } else if (marker == APP14 && length >= 14 && starts(data, body, length - 2, "Adobe")) {
                adobe = u8(data, body + 11);
            } else if (marker == SOS) {
                return frame < 0 ? null : of(data, size, frame, frameMarker, at + 2 + length, isRgb(data, frame, jfif, adobe), orientation);
            }
            at += 2 + length;
        }
        return null;
    }

    private static JpegHeader of(byte[] data, int size, int frame, int frameMarker, int scan, boolean rgb, int orientation) {
        int width = u16(data, frame + 3);
        int height = u16(data, frame + 1);
        Coding coding = frameMarker <= 0xC1 ? Coding.SEQUENTIAL : frameMarker == 0xC2 ? Coding.PROGRESSIVE : Coding.OTHER;
        int scans = JpegTables.scans(data, size, frame, coding != Coding.SEQUENTIAL);
        int across = 1;
        int down = 1;
        for (int c = u8(data, frame + 5), p = frame + 7; c > 0; c--, p += 3) {
            across = Math.max(across, u8(data, p) >> 4);
            down = Math.max(down, u8(data, p) & 15);
        }
        return new JpegHeader(width, height, u8(data, frame), u8(data, frame + 5), coding, rgb, hasEnd(data, size, scan), blocks(data, frame, width, height, across, down),
                Math.abs(scans), scans > 0, tall(data, frame, across, down), Math.max(across, down) > 2, orientation);
    }

    private static int tall(byte[] data, int frame, int across, int down) {
        int tall = 0;
        for (int c = 0; c < Math.min(u8(data, frame + 5), Integer.SIZE); c++) {
            int factors = u8(data, frame + 7 + 3 * c);
            tall |= factors >> 4 == across && (factors & 15) * 2 == down ? 1 << c : 0;
        }
        return tall;
    }

    private static long blocks(byte[] data, int frame, int width, int height, int across, int down) {
        long blocks = 0;
        for (int c = u8(data, frame + 5), p = frame + 7; c > 0; c--, p += 3) {
            blocks += (long) Math.ceilDiv(Math.ceilDiv(width * (u8(data, p) >> 4), across), 8) * Math.ceilDiv(Math.ceilDiv(height * (u8(data, p) & 15), down), 8);
        }
        return blocks;
    }

    /** Markers without a length behind them, and the zero that follows 0xFF in entropy-coded data. */
    static boolean isAlone(int marker) {
        return marker <= 1 || marker >= 0xD0 && marker <= SOI;
    }

    private static boolean isFrame(int marker) {
        return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    }

    /** libjpeg's rule: JFIF means YCbCr; else Adobe's transform decides; else component ids R, G, B mean RGB. */
    private static boolean isRgb(byte[] data, int frame, boolean jfif, int adobe) {
        if (u8(data, frame + 5) != 3 || jfif) {
            return false;
        }
        if (adobe >= 0) {
            return adobe == 0;
        }
        return u8(data, frame + 6) == 'R' && u8(data, frame + 9) == 'G' && u8(data, frame + 12) == 'B';
    }

    /** Within entropy-coded data 0xFF is followed by 0 or a restart marker, so 0xFF 0xD9 can only be the end. */
    private static boolean hasEnd(byte[] data, int size, int from) {
        for (int i = size - 2; i >= from; i--) {
            if (data[i] == (byte) 0xFF && u8(data, i + 1) == EOI) {
                return true;
            }
        }
        return false;
    }

    private static boolean starts(byte[] data, int at, int length, String text) {
        if (length < text.length()) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (data[at + i] != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private static int u8(byte[] data, int at) {
        return data[at] & 0xFF;
    }

    private static int u16(byte[] data, int at) {
        return u8(data, at) << 8 | u8(data, at + 1);
    }
}
