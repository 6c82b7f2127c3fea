package dev.jacquard.data;

import java.util.Arrays;

/**
 * Decodes the JPEGs that nearly all are: sequential, Huffman-coded, one scan, gray or three components, colour at full or half resolution. Codes are read to
 * the end, blocks are transformed and colours converted only where they are wanted. Agrees with libjpeg to the bit: its accurate integer transform, its
 * smooth ("fancy") upsampling, its integers for colours. What is damaged or of another kind is left to others.
 *
 * <p>Keeps all its memory. Not thread-safe.
 */
final class JavaJpegCodec implements JpegCodec {
    private static final int DQT = 0xDB;
    private static final int DHT = 0xC4;
    private static final int DRI = 0xDD;
    private static final int SOS = 0xDA;

    private final EntropyReader reader = new EntropyReader();
    private final InverseDct transform = new InverseDct();
    private final ColorConverter converter = new ColorConverter();
    private final int[][] quantization = new int[4][];
    private final HuffmanTable[] dcTables = new HuffmanTable[4];
    private final HuffmanTable[] acTables = new HuffmanTable[4];
    private final boolean[] quantizationThere = new boolean[4];
    private final boolean[] dcThere = new boolean[4];
    private final boolean[] acThere = new boolean[4];
    private final Component[] components = {new Component(), new Component(), new Component()};
    private final int[] block = new int[65];
    private int count; // of components
    private int across; // luma blocks in a unit
    private int down;
    private int restarts; // units between markers, 0 for none
    private int scan; // the first byte of the codes

    /** A channel: how it is coded, and the plane of its levels in the wanted units. */
    static final class Component {
        private int id;
        private int across;
        private int down;
        private int quantization;
        private int dc;
        private int ac;
        private int prediction;
        /** The levels, rows of {@link #stride}. */
        byte[] plane = new byte[0];
        /** Bytes of a row of the plane. */
        int stride;
    }

    @Override
    public boolean decode(byte[] data, int length, JpegHeader header, Wanted wanted, boolean sound, Picture out) {
        if (header.coding() != JpegHeader.Coding.SEQUENTIAL || header.components() != 1 && header.components() != 3 || !readTables(data, length, header)) {
            return false;
        }
        int unitWidth = 8 * across;
        int unitHeight = 8 * down;
        int margin = across * down > 1 ? 1 : 0; // smooth upsampling looks at its neighbours
        int left = Math.max(wanted.left() / unitWidth - margin, 0);
        int top = Math.max(wanted.top() / unitHeight - margin, 0);
        int units = Math.ceilDiv(header.width(), unitWidth);
        int rows = Math.ceilDiv(header.height(), unitHeight);
        int right = Math.min(Math.ceilDiv(wanted.left() + wanted.width(), unitWidth) + margin, units);
        int bottom = Math.min(Math.ceilDiv(wanted.top() + wanted.height(), unitHeight) + margin, rows);
        reserve(right - left, bottom - top);
        if (!readScan(data, length, units, sound ? bottom : rows, left, top, right, bottom, sound)) {
            return false;
        }
        converter.convert(components, count, header, across, down, left, top, wanted.unreduced(), out);
        return true;
    }

    private void reserve(int units, int rows) {
        for (int c = 0; c < count; c++) {
            Component part = components[c];
            part.stride = units * part.across * 8;
            int bytes = part.stride * rows * part.down * 8;
            if (part.plane.length < bytes || part.plane.length > Picture.KEPT_BYTES && bytes < part.plane.length / 4) {
                part.plane = new byte[bytes];
            }
        }
    }

    private boolean readScan(byte[] data, int length, int units, int rows, int left, int top, int right, int bottom, boolean sound) {
        reader.start(data, scan, length);
        int untilRestart = restarts;
        int number = 0;
        for (int y = 0; y < rows; y++) {
            for (int x = 0; x < units; x++) {
                if (restarts > 0 && untilRestart-- == 0) {
                    if (!reader.restart(number)) {
                        return false;
                    }
                    number = number + 1 & 7;
                    untilRestart = restarts - 1;
                    clearPredictions();
                }
                if (x >= left && x < right && y >= top && y < bottom) {
                    readUnit(x - left, y - top);
                } else {
                    skipUnit();
                }
            }
            if (reader.broken()) {
                return false;
            }
        }
        return sound || reader.ends();
    }

    private void readUnit(int x, int y) {
        for (int c = 0; c < count; c++) {
            Component part = components[c];
            HuffmanTable dc = dcTables[part.dc];
            HuffmanTable ac = acTables[part.ac];
            int[] factors = quantization[part.quantization];
            for (int v = 0; v < part.down; v++) {
                int at = (y * part.down + v) * 8 * part.stride + x * part.across * 8;
                for (int h = 0; h < part.across; h++, at += 8) {
                    int last = reader.block(dc, ac, factors, block);
                    part.prediction += block[0];
                    block[0] = part.prediction * factors[0];
                    transform.block(block, last, part.plane, at, part.stride);
                }
            }
        }
    }

    private void skipUnit() {
        for (int c = 0; c < count; c++) {
            Component part = components[c];
            for (int i = part.across * part.down; i > 0; i--) {
                part.prediction += reader.skip(dcTables[part.dc], acTables[part.ac]);
            }
        }
    }

    private void clearPredictions() {
        for (int c = 0; c < count; c++) {
            components[c].prediction = 0;
        }
    }

    /** Reads what lies in front of the codes. @return whether this is a file for us */
    private boolean readTables(byte[] data, int length, JpegHeader header) {
        Arrays.fill(quantizationThere, false);
        Arrays.fill(dcThere, false);
        Arrays.fill(acThere, false);
        restarts = 0;
        count = header.components();
        boolean framed = false;
        for (int at = 2; at + 4 <= length;) {
            int marker = data[at + 1] & 0xFF;
            if (data[at] != (byte) 0xFF || marker == 0xFF) {
                return false; // stray bytes
            }
            int size = u16(data, at + 2);
            int from = at + 4;
            int to = at + 2 + size;
            boolean fine = switch (marker) {
                case DQT -> readQuantization(data, from, to);
                case DHT -> readHuffman(data, from, to);
                case DRI -> size == 4 && (restarts = u16(data, from)) >= 0;
                case 0xC0, 0xC1 -> !framed && (framed = readFrame(data, from, to));
                case SOS -> framed && readScanHeader(data, from, to);
                default -> marker >= 0xE0 || marker == 0xFE; // applications' and comments
            };
            if (!fine) {
                return false;
            }
            at = to;
            if (marker == SOS) {
                scan = to;
                clearPredictions();
                return true;
            }
        }
        return false;
    }

    private boolean readQuantization(byte[] data, int from, int to) {
        for (int at = from; at < to;) {
            boolean wide = data[at] >> 4 == 1;
            int which = data[at] & 15;
            if (which > 3 || (data[at] & 0xFF) > 0x13 || at + 1 + (wide ? 128 : 64) > to) {
                return false;
            }
            at++;
            int[] table = quantization[which] = quantization[which] == null ? new int[EntropyReader.NATURAL.length] : quantization[which];
            for (int k = 0; k < 64; k++, at += wide ? 2 : 1) {
                table[k] = wide ? u16(data, at) : data[at] & 0xFF;
            }
            quantizationThere[which] = true;
        }
        return true;
    }

    private boolean readHuffman(byte[] data, int from, int to) {
        for (int at = from; at < to;) {
            boolean dc = data[at] >> 4 == 0;
            int which = data[at] & 15;
            if (which > 3 || (data[at] & 0xFF) > 0x13 || at + 17 > to) {
                return false;
            }
            HuffmanTable[] tables = dc ? dcTables : acTables;
            tables[which] = tables[which] == null ? new HuffmanTable() : tables[which];
            int bytes = tables[which].read(data, at + 1, to, dc);
            if (bytes < 0) {
                return false;
            }
            (dc ? dcThere : acThere)[which] = true;
            at += 1 + bytes;
        }
        return true;
    }

    private boolean readFrame(byte[] data, int from, int to) {
        if (to - from != 6 + 3 * count) {
            return false;
        }
        for (int c = 0, at = from + 6; c < count; c++, at += 3) {
            Component part = components[c];
            part.id = data[at] & 0xFF;
            part.across = data[at + 1] >> 4;
            part.down = data[at + 1] & 15;
            part.quantization = data[at + 2] & 0xFF;
            if (part.quantization > 3) {
                return false;
            }
        }
        Component first = components[0];
        if (count == 1) { // a scan of one component is of single blocks, whatever the frame says
            first.across = 1;
            first.down = 1;
        }
        across = first.across;
        down = first.down;
        boolean usual = across == 1 && down == 1 || across == 2 && (down == 1 || down == 2);
        return usual && (count == 1 || single(components[1]) && single(components[2]));
    }

    private static boolean single(Component part) {
        return part.across == 1 && part.down == 1;
    }

    private boolean readScanHeader(byte[] data, int from, int to) {
        if (to - from != 4 + 2 * count || data[from] != count) {
            return false;
        }
        for (int c = 0, at = from + 1; c < count; c++, at += 2) {
            Component part = components[c];
            part.dc = data[at + 1] >> 4;
            part.ac = data[at + 1] & 15;
            if ((data[at] & 0xFF) != part.id || part.dc < 0 || part.dc > 3 || part.ac > 3 || !dcThere[part.dc] || !acThere[part.ac] || !quantizationThere[part.quantization]) {
                return false;
            }
        }
        return data[to - 3] == 0 && data[to - 2] == 63 && data[to - 1] == 0;
    }

    private static int u16(byte[] data, int at) {
        return (data[at] & 0xFF) << 8 | data[at + 1] & 0xFF;
    }

    /** Holds no native memory. */
    @Override
    public void close() {}
}
