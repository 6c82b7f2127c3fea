package dev.jacquard.data;

import java.util.Arrays;

/**
 * A JPEG Huffman table made for speed: the next {@link #BITS} bits of the data give not only a code but, where they fit, also the bits of the value behind
 * it, so that most coefficients cost one look. Codes and values as in ITU-T T.81, annexes C and F.
 */
final class HuffmanTable {
    /** Bits that are looked up at once. */
    static final int BITS = 11;

    /** What the run of an end of block is: more than a block has coefficients. */
    static final int END = 80;

    private static final int MAX_LENGTH = 16;

    /**
     * By the next bits: {@code value << 16 | run << 8 | length} of code and value together. Where they do not fit, {@code symbol << 8 | flag 0x80 | length of
     * the code << 16}, whose lowest five bits are 0; where not even the code fits, 0x80 alone. An end of block has the run {@link #END}.
     */
    final int[] fast = new int[1 << BITS];

    private final int[] firstCode = new int[MAX_LENGTH + 1];
    private final int[] lastCode = new int[MAX_LENGTH + 1]; // the largest code of a length, -1 if there is none
    private final int[] offset = new int[MAX_LENGTH + 1]; // of a length's first symbol, less its first code
    private final byte[] symbols = new byte[256];

    /**
     * Reads the table.
     *
     * @param at of 16 counts of codes by length, and the symbols behind them
     * @param to where the data end
     * @param dc whether symbols are sizes of differences, not runs and sizes
     * @return bytes that the table takes; -1 if it is none
     */
    int read(byte[] data, int at, int to, boolean dc) {
        int total = 0;
        int code = 0;
        for (int length = 1; length <= MAX_LENGTH; length++) {
            int n = data[at + length - 1] & 0xFF; // at + 16 <= to: the caller's
            firstCode[length] = code;
            offset[length] = total - code;
            total += n;
            code += n;
            lastCode[length] = n == 0 ? -1 : code - 1;
            if (code > 1 << length || total > 256) {
                return -1;
            }
            code <<= 1;
        }
        if (at + MAX_LENGTH + total > to) {
            return -1;
        }
        System.arraycopy(data, at + MAX_LENGTH, symbols, 0, total);
        for (int i = 0; i < total; i++) {
            if (dc ? (symbols[i] & 0xFF) > 11 : (symbols[i] & 15) > 10) {
                return -1; // not of 8-bit images
            }
        }
        fill(dc);
        return MAX_LENGTH + total;
    }

    private void fill(boolean dc) {
        Arrays.fill(fast, 0x80);
        for (int length = 1; length <= BITS; length++) {
            for (int code = firstCode[length]; code <= lastCode[length]; code++) {
                int symbol = symbols[offset[length] + code] & 0xFF;
                int spare = BITS - length;
                for (int rest = 0; rest < 1 << spare; rest++) {
                    fast[code << spare | rest] = entry(symbol, length, rest, spare, dc);
                }
            }
        }
    }

    private static int entry(int symbol, int length, int rest, int spare, boolean dc) {
        int size = dc ? symbol : symbol & 15;
        int run = dc ? 0 : symbol >> 4;
        if (size == 0) {
            return (!dc && run < 15 ? END : run) << 8 | length; // a run of 15 without a value is 16 zeros; shorter ones do not occur in sequential files
        }
        if (size > spare) {
            return length << 16 | symbol << 8 | 0x80;
        }
        return value(rest >> spare - size, size) << 16 | run << 8 | length + size;
    }

    /** The value that {@code size} bits stand for: those that begin with 0 are negative. */
    static int value(int bits, int size) {
        return bits < 1 << size - 1 ? bits - (1 << size) + 1 : bits;
    }

    /** Length of the code, longer than {@link #BITS}, with which {@code next} begins, 16 bits; 0 if there is none. */
    int longLength(int next) {
        for (int length = BITS + 1; length <= MAX_LENGTH; length++) {
            if (next >> MAX_LENGTH - length <= lastCode[length]) {
                return length;
            }
        }
        return 0;
    }

    /** The symbol of a code, given in the highest of 16 bits. */
    int symbol(int next, int length) {
        return symbols[offset[length] + (next >> MAX_LENGTH - length)] & 0xFF;
    }
}
