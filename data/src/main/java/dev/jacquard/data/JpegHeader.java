package dev.jacquard.data;

/**
 * What a JPEG file says of itself before its first scan, as far as decoding needs it.
 *
 * @param width      columns
 * @param height     rows (0 if the file defers it to a DNL segment)
 * @param precision  bits per sample
 * @param components channels as stored: 1 gray, 3 YCbCr or RGB, 4 CMYK or YCCK
 * @param plain      baseline, extended or progressive Huffman coding: what the JDK's reader decodes
 * @param rgb        whether three components are red, green, blue rather than YCbCr, by libjpeg's rule
 * @param complete   whether an end-of-image marker follows the first scan's start
 */
record JpegHeader(int width, int height, int precision, int components, boolean plain, boolean rgb, boolean complete) {
    private static final int SOI = 0xD8;
    private static final int EOI = 0xD9;
    private static final int SOS = 0xDA;
    private static final int APP0 = 0xE0;
    private static final int APP14 = 0xEE;

    /** Whether the bytes start as a JPEG does. */
    static boolean matches(byte[] data) {
        return data.length > 3 && u8(data, 0) == 0xFF && u8(data, 1) == SOI && u8(data, 2) == 0xFF;
    }

    /** Reads the segments up to the first scan; null if there is no frame or no scan, or a segment runs past the end. */
    static JpegHeader parse(byte[] data) {
        int frame = -1;
        int frameMarker = 0;
        boolean jfif = false;
        int adobe = -1;
        int at = 2;
        while (at + 4 <= data.length) {
            if (u8(data, at) != 0xFF) {
                at++; // bytes between segments: libjpeg skips them
                continue;
            }
            int marker = u8(data, at + 1);
            if (marker == 0xFF) {
                at++;
                continue;
            }
            if (marker == 0 || marker == 1 || marker >= 0xD0 && marker <= 0xD8) {
                at += 2;
                continue;
            }
            int length = u16(data, at + 2);
            if (marker == EOI || length < 2 || at + 2 + length > data.length) {
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
            } else if (marker == APP14 && length >= 14 && starts(data, body, length - 2, "Adobe")) {
                adobe = u8(data, body + 11);
            } else if (marker == SOS) {
                return frame < 0 ? null : new JpegHeader(u16(data, frame + 3), u16(data, frame + 1), u8(data, frame), u8(data, frame + 5),
                        frameMarker <= 0xC2, isRgb(data, frame, jfif, adobe), hasEnd(data, at + 2 + length));
            }
            at += 2 + length;
        }
        return null;
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
    private static boolean hasEnd(byte[] data, int from) {
        for (int i = data.length - 2; i >= from; i--) {
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
