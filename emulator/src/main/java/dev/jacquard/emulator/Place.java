package dev.jacquard.emulator;

/**
 * An address operand of an instruction that moves more than an {@link Access} does.
 *
 * @param base register, or -1 if the offset is the whole address
 * @param wide whether the register has 64 bits
 * @param offset what is added to it
 */
record Place(int base, boolean wide, long offset) {
    /** A lane's address, as the instruction has it. */
    long address(Warp w, int lane) {
        if (base < 0) {
            return offset;
        }
        return wide ? w.q[base][lane] + offset : w.r[base][lane] + offset & 0xffffffffL;
    }

    /**
     * A lane's address in shared memory, given as such or as a generic one.
     *
     * @param bytes how many must be there
     * @param align what the address must be a multiple of
     * @param what the access in words
     * @return the offset in the block's bytes
     * @throws Fault if it is elsewhere or misaligned
     */
    int shared(Warp w, int lane, int bytes, int align, String what) {
        long a = address(w, lane);
        if (Windows.in(Windows.SHARED, a)) {
            a -= Windows.SHARED;
        }
        SharedMemory shared = w.machine.shared();
        long o = a - Windows.SHARED_START;
        if (o < 0 || o > shared.size() - bytes) {
            throw new Fault(lane, what + " of " + bytes + " bytes of shared memory at " + shared.describe(a));
        }
        if ((a & align - 1) != 0) {
            throw new Fault(lane, "misaligned " + what + ": shared memory at " + shared.describe(a) + ", must be aligned to " + align + " bytes");
        }
        return (int) o;
    }
}
