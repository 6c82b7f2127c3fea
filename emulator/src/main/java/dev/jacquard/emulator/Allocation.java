package dev.jacquard.emulator;

import java.util.Arrays;

/** A buffer of device memory, with a bit per byte that says whether it has ever been written. */
final class Allocation {
    /** Holds no byte. */
    static final Allocation NONE = new Allocation(0, 0, "", false);

    final long base;
    final long size;
    final String label;
    final boolean readOnly;
    /** Its bytes; none when it has been freed. */
    byte[] data;
    /** Null when all bytes are valid. */
    long[] valid;
    boolean freed;
    /** Which blocks touched it; null until that is asked. */
    GlobalRaces.Marks marks;

    Allocation(long base, int size, String label, boolean readOnly) {
        this.base = base;
        this.size = size;
        this.label = label;
        this.readOnly = readOnly;
        data = new byte[size];
        valid = new long[(size + 63) >> 6];
    }

    /** Its place is remembered, its bytes are not: instructions that met it last still hold it. */
    void release() {
        freed = true;
        data = new byte[0];
        valid = null;
        marks = null;
    }

    /** Whether so many bytes, 1 to 16 and aligned, have been written. */
    boolean isValid(int offset, int bytes) {
        long want = ((1L << bytes) - 1) << (offset & 63);
        return (valid[offset >> 6] & want) == want;
    }

    /** Marks bytes, 1 to 16 and aligned, as written. */
    void written(int offset, int bytes) {
        valid[offset >> 6] |= ((1L << bytes) - 1) << (offset & 63);
    }

    /** Marks any bytes as written. */
    void writtenRange(long offset, long bytes) {
        if (valid == null || bytes == 0) {
            return;
        }
        if (offset == 0 && bytes == size) {
            valid = null;
            return;
        }
        Bits.set(valid, (int) offset, (int) (offset + bytes));
    }

    /** Copies the marks of another buffer's bytes. */
    void copyMarks(long offset, Allocation from, long fromOffset, long bytes) {
        if (from.valid == null) {
            writtenRange(offset, bytes);
            return;
        }
        if (valid == null) {
            valid = new long[(int) ((size + 63) >> 6)];
            Arrays.fill(valid, -1L);
        }
        long[] marks = from == this ? valid.clone() : from.valid;
        for (long i = 0; i < bytes; i++) {
            long f = fromOffset + i;
            long t = offset + i;
            if ((marks[(int) (f >> 6)] >>> f & 1) != 0) {
                valid[(int) (t >> 6)] |= 1L << t;
            } else {
                valid[(int) (t >> 6)] &= ~(1L << t);
            }
        }
    }

    @Override
    public String toString() {
        return label.isEmpty() ? "a buffer of " + size + " bytes" : label + " of " + size + " bytes";
    }
}
