package dev.jacquard.emulator;

import java.util.Arrays;

/** A block's shared memory, with checks of what threads do to each other there. */
final class SharedMemory {
    private byte[] data = new byte[0];
    private long[] valid = new long[0];
    private int size;

    /** A new launch. */
    void resize(int bytes) {
        size = bytes;
        if (data.length < bytes) {
            data = new byte[bytes];
            valid = new long[(bytes + 63) >> 6];
        }
    }

    /** A new block: nothing has been written. */
    void start() {
        Arrays.fill(valid, 0, (size + 63) >> 6, 0);
    }

    int size() {
        return size;
    }

    byte[] data() {
        return data;
    }

    String describe(long address) {
        long o = address - Windows.SHARED_START;
        if (o < 0) {
            return "offset " + o + ", before the block's " + size + " bytes";
        }
        return "offset " + o + (o >= size ? ", " + (o - size) + " bytes after the end of the block's " : " of the block's ") + size + " bytes";
    }

    void check(Warp w, int lane, int offset, int bytes, boolean reads, boolean writes) {
        long bits = (1L << bytes) - 1 << (offset & 63);
        if (reads && (valid[offset >> 6] & bits) != bits && w.machine.options().uninitialized()) {
            throw new Fault(lane, "read of shared memory that was never written, " + bytes + " bytes at " + describe(offset + Windows.SHARED_START));
        }
        if (writes) {
            valid[offset >> 6] |= bits;
        }
    }
}
