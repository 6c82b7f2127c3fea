package dev.jacquard.data;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Reads the Huffman-coded blocks of a sequential JPEG's scan. Not thread-safe. */
final class EntropyReader {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    /** Place in a block of rows by place in zigzag order (T.81, figure A.6); what lies beyond the end goes to the 65th. */
    static final int[] NATURAL = new int[64 + HuffmanTable.END];

    static {
        Arrays.fill(NATURAL, 64);
        for (int k = 0, x = 0, y = 0; k < 64; k++) {
            NATURAL[k] = y * 8 + x;
            boolean up = (x + y) % 2 == 0;
            if (up ? x == 7 : y == 7) {
                x += up ? 0 : 1;
                y += up ? 1 : 0;
            } else {
                x += up ? 1 : y == 7 ? 1 : x == 0 ? 0 : -1;
                y += up ? y == 0 ? 0 : -1 : 1;
            }
        }
    }

    private byte[] data;
    private int end;
    private int at; // of the next byte to take
    private long bits; // those to come, from the highest on; below them there may be some of the byte at `at` already
    private int count; // of bits that are taken
    private int made; // of these, zeros that follow the data's end
    private boolean broken;

    /** Begins at a scan's first byte. */
    void start(byte[] file, int from, int to) {
        data = file;
        end = to;
        at = from;
        bits = 0;
        count = 0;
        made = 0;
        broken = false;
    }

    /** Whether there was a code that does not exist, or fewer data than blocks. */
    boolean broken() {
        return broken || count < made;
    }

    /** Takes a restart marker. @return whether it is there, right behind the last code */
    boolean restart(int number) {
        if (broken() || count - made >= 8) {
            return false;
        }
        int p = at;
        while (p + 1 < end && data[p] == (byte) 0xFF && data[p + 1] == (byte) 0xFF) {
            p++;
        }
        if (p + 1 >= end || data[p] != (byte) 0xFF || (data[p + 1] & 0xFF) != 0xD0 + number) {
            return false;
        }
        start(data, p + 2, end);
        return true;
    }

    /** Whether the next marker, perhaps behind stray bytes, is the end of the image. */
    boolean ends() {
        for (int p = at; p + 1 < end; p++) { // no marker is passed over
            int next = data[p + 1] & 0xFF;
            if (data[p] == (byte) 0xFF && next != 0 && next != 0xFF) {
                return next == 0xD9;
            }
        }
        return false;
    }

    /**
     * Reads a block.
     *
     * @param dc     of the first coefficient's difference
     * @param ac     of the others
     * @param factor by which coefficients are multiplied, in zigzag order; as long as {@link #NATURAL}
     * @param out    all 0 but the 65th; becomes the coefficients in rows, the first without the prediction
     * @return the last place in zigzag order that is not 0, or a later one
     */
    int block(HuffmanTable dc, HuffmanTable ac, int[] factor, int[] out) {
        out[0] = difference(dc);
        int[] fast = ac.fast;
        long b = bits;
        int n = count;
        int k = 1;
        int from;
        do {
            if (n < 32) {
                count = n;
                bits = b;
                refill();
                n = count;
                b = bits;
            }
            from = k;
            int e = fast[(int) (b >>> 64 - HuffmanTable.BITS)];
            int length = e & 31;
            if (length == 0) {
                bits = b;
                count = n;
                e = longSymbol(ac, e, false);
                b = bits;
                n = count;
            } else {
                b <<= length;
                n -= length;
            }
            k += e >> 8 & 0xFF;
            out[NATURAL[k]] = (e >> 16) * factor[k];
            k++;
        } while (k < 64);
        bits = b;
        count = n;
        if (k > HuffmanTable.END) {
            return from - 1;
        }
        broken |= k > 64;
        return 63;
    }

    /** Reads a block of which only the first coefficient's difference is of interest, and returns that. */
    int skip(HuffmanTable dc, HuffmanTable ac) {
        int first = difference(dc);
        int[] fast = ac.fast;
        long b = bits;
        int n = count;
        int k = 1;
        do {
            if (n < 32) {
                count = n;
                bits = b;
                refill();
                n = count;
                b = bits;
            }
            int e = fast[(int) (b >>> 64 - HuffmanTable.BITS)];
            int length = e & 31;
            if (length == 0) {
                bits = b;
                count = n;
                e = longSymbol(ac, e, false);
                b = bits;
                n = count;
            } else {
                b <<= length;
                n -= length;
            }
            k += (e >> 8 & 0xFF) + 1;
        } while (k < 64);
        bits = b;
        count = n;
        broken |= k > 64 && k <= HuffmanTable.END;
        return first;
    }

    private int difference(HuffmanTable dc) {
        if (count < 32) {
            refill();
        }
        int e = dc.fast[(int) (bits >>> 64 - HuffmanTable.BITS)];
        int length = e & 31;
        if (length == 0) {
            return longSymbol(dc, e, true) >> 16;
        }
        bits <<= length;
        count -= length;
        return e >> 16;
    }

    /** Takes a code whose value did not fit into the table, or which did not itself; the result is as the table's, without a length. */
    private int longSymbol(HuffmanTable table, int entry, boolean dc) {
        int length;
        int symbol;
        if (entry == 0x80) {
            int next = (int) (bits >>> 48);
            length = table.longLength(next);
            if (length == 0) {
                broken = true;
                return HuffmanTable.END << 8;
            }
            symbol = table.symbol(next, length);
        } else {
            length = entry >> 16;
            symbol = entry >> 8 & 0xFF;
        }
        int size = dc ? symbol : symbol & 15;
        int run = dc ? 0 : symbol >> 4;
        bits <<= length;
        int value = 0;
        if (size > 0) {
            value = HuffmanTable.value((int) (bits >>> 64 - size), size);
            bits <<= size;
        } else if (!dc && run < 15) {
            run = HuffmanTable.END;
        }
        count -= length + size;
        return value << 16 | run << 8;
    }

    private void refill() {
        if (at + 8 <= end) {
            long next = (long) LONG.get(data, at);
            if ((next & 0x8080808080808080L & ~(next + 0x0101010101010101L)) == 0) { // no byte is 0xFF
                bits |= next >>> count;
                at += 63 - count >> 3;
                count |= 56;
                return;
            }
        }
        byByte();
    }

    private void byByte() {
        bits &= count == 0 ? 0 : -1L << 64 - count;
        while (count <= 56) {
            int next = at < end ? data[at] & 0xFF : 0xFF;
            if (next == 0xFF && (at + 1 >= end || data[at + 1] != 0)) { // a marker
                made += 8;
                next = 0;
            } else {
                at += next == 0xFF ? 2 : 1;
            }
            bits |= (long) next << 56 - count;
            count += 8;
        }
    }
}
