package dev.jacquard.emulator;

/** Bit sets in arrays of long. */
final class Bits {
    private Bits() {}

    /** Sets bits from (inclusive) to (exclusive). */
    static void set(long[] bits, int from, int to) {
        if (from >= to) {
            return;
        }
        int first = from >> 6;
        int last = (to - 1) >> 6;
        long head = -1L << (from & 63);
        long tail = -1L >>> (-to & 63);
        if (first == last) {
            bits[first] |= head & tail;
            return;
        }
        bits[first] |= head;
        for (int i = first + 1; i < last; i++) {
            bits[i] = -1L;
        }
        bits[last] |= tail;
    }
}
