package dev.jacquard.data;

/**
 * Whether a JPEG brings the tables that it uses. libjpeg, ours and the JDK's, takes those of the last file where one is missing, so that what a damaged file looks
 * like would depend on what its reader read before.
 */
final class JpegTables {
    private static final int DQT = 0xDB;
    private static final int DHT = 0xC4;
    private static final int SOS = 0xDA;
    private static final int EOI = 0xD9;

    private final byte[] data;
    private final int size;
    private int quantization; // a bit for each table that there is
    private int dc;
    private int ac;
    private int scans;

    private JpegTables(byte[] data, int size) {
        this.data = data;
        this.size = size;
    }

    /**
     * Looks through a file.
     *
     * @param frame       the first byte of the frame's segment behind its length
     * @param progressive whether there may be many scans
     * @return the number of scans, 1 if the first has all components of a sequential file; negative if a table is missing
     */
    static int scans(byte[] data, int size, int frame, boolean progressive) {
        JpegTables tables = new JpegTables(data, size);
        return tables.walk(frame, progressive) ? Math.max(tables.scans, 1) : -Math.max(tables.scans, 1);
    }

    private boolean walk(int frame, boolean progressive) {
        boolean all = true;
        for (int at = 2; at + 4 <= size;) {
            int marker = u8(at + 1);
            if (u8(at) != 0xFF || marker == 0xFF) {
                at++;
                continue;
            }
            if (JpegHeader.isAlone(marker)) {
                at += 2;
                continue;
            }
            if (marker == EOI) {
                break;
            }
            int from = at + 4;
            int to = Math.min(at + 2 + u8(at + 2) * 256 + u8(at + 3), size);
            if (marker == DQT) {
                quantization(from, to);
            } else if (marker == DHT) {
                huffman(from, to);
            } else if (marker == SOS) {
                scans++;
                all &= from < to && has(frame, from, to, progressive);
                if (!progressive && from < size && u8(from) == u8(frame + 5)) {
                    break;
                }
            }
            at = Math.max(to, at + 2);
        }
        return all;
    }

    private void quantization(int from, int to) {
        for (int at = from; at < to; at += u8(at) >> 4 == 0 ? 65 : 129) {
            quantization |= 1 << (u8(at) & 15);
        }
    }

    private void huffman(int from, int to) {
        for (int at = from; at + 17 <= to;) {
            int symbols = 0;
            for (int i = 1; i <= 16; i++) {
                symbols += u8(at + i);
            }
            if (u8(at) >> 4 == 0) {
                dc |= 1 << (u8(at) & 15);
            } else {
                ac |= 1 << (u8(at) & 15);
            }
            at += 17 + symbols;
        }
    }

    private boolean has(int frame, int from, int to, boolean progressive) {
        int count = u8(from);
        int spectral = from + 1 + 2 * count;
        if (spectral + 3 > to) {
            return false;
        }
        boolean needsDc = !progressive || u8(spectral) == 0 && u8(spectral + 2) >> 4 == 0;
        boolean needsAc = !progressive || u8(spectral) > 0;
        for (int at = from + 1; at < spectral; at += 2) {
            if (needsDc && (dc >> (u8(at + 1) >> 4) & 1) == 0 || needsAc && (ac >> (u8(at + 1) & 15) & 1) == 0) {
                return false;
            }
        }
        return quantized(frame);
    }

    private boolean quantized(int frame) {
        for (int c = u8(frame + 5), p = frame + 6; c > 0; c--, p += 3) {
            if (u8(p + 2) > 3 || (quantization >> u8(p + 2) & 1) == 0) {
                return false;
            }
        }
        return true;
    }

    private int u8(int at) {
        return data[at] & 0xFF;
    }
}
