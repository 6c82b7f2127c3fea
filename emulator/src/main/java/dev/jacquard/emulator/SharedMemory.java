package dev.jacquard.emulator;

import java.util.Arrays;

/**
 * A block's shared memory, with checks of what threads do to each other there.
 *
 * <p>Two threads race when they touch the same bytes, at least one writes, not both are atomic, and nothing orders them: a barrier of the block (which begins a new
 * <i>epoch</i>), or for lanes of one warp an instruction in which lanes meet (a new <i>round</i> of the warp). The kernel's narrowest access is the grain in which bytes are
 * told apart; every access covers whole grains, since all are aligned.
 */
final class SharedMemory {
    /** Readers of several warps, or several atomics. */
    private static final int MANY = -2;
    /** Readers of one warp are kept as this minus the warp's index. */
    private static final int SEVERAL = -3;

    private byte[] data = new byte[0];
    private long[] valid = new long[0];
    private int size;
    private int grain;
    private int epoch;
    private int[] writeEpoch = new int[0];
    private int[] writer = new int[0];
    private int[] writeRound = new int[0];
    private boolean[] writeAtomic = new boolean[0];
    private int[] readEpoch = new int[0];
    private int[] reader = new int[0];
    private int[] readRound = new int[0];
    private Insn[] writeAt = new Insn[0];
    private Insn[] readAt = new Insn[0];
    /** For each word the thread whose asynchronous copy is filling it, plus one, or 0; and the copy. */
    private int[] copier = new int[0];
    private Insn[] copyAt = new Insn[0];
    private int copies;

    /** A new launch. @param narrowest bytes of the kernel's narrowest access; a power of two */
    void resize(int bytes, int narrowest) {
        size = bytes;
        grain = Integer.numberOfTrailingZeros(narrowest);
        if (data.length < bytes) {
            data = new byte[bytes];
            valid = new long[(bytes + 63) >> 6];
        }
        int grains = (bytes >> grain) + 1;
        if (writer.length < grains) {
            writeEpoch = new int[grains];
            writer = new int[grains];
            writeRound = new int[grains];
            writeAtomic = new boolean[grains];
            readEpoch = new int[grains];
            reader = new int[grains];
            readRound = new int[grains];
            writeAt = new Insn[grains];
            readAt = new Insn[grains];
            epoch = 0;
        }
    }

    /** A new block: nothing has been written. */
    void start() {
        if (copies > 0) {
            Arrays.fill(copier, 0);
            copies = 0;
        }
        Arrays.fill(valid, 0, (size + 63) >> 6, 0);
        barrier();
    }

    /** What was done before is ordered before what follows. */
    void barrier() {
        if (++epoch == Integer.MAX_VALUE) {
            Arrays.fill(writeEpoch, 0);
            Arrays.fill(readEpoch, 0);
            epoch = 1;
        }
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

    /** Notes an access. @return the race that it is part of, or null @throws Fault if it reads what nobody wrote */
    Fault check(Warp w, int lane, int offset, Access by) {
        int bytes = by.bytes;
        boolean reads = by.reads();
        boolean writes = by.writes();
        long bits = (1L << bytes) - 1 << (offset & 63);
        if (copies > 0 && w.machine.options().races()) {
            underWay(w, lane, offset, by);
        }
        if (reads && (valid[offset >> 6] & bits) != bits && w.machine.options().uninitialized()) {
            throw new Fault(lane, "read of shared memory that was never written, " + bytes + " bytes at " + describe(offset + (long) Windows.SHARED_START));
        }
        if (writes) {
            valid[offset >> 6] |= bits;
        }
        if (!w.machine.options().races()) {
            return null;
        }
        int thread = w.index * Warp.LANES + lane;
        int end = offset + bytes - 1 >> grain;
        Fault found = null;
        for (int g = offset >> grain; g <= end; g++) {
            Fault f = writes ? write(w, lane, thread, g, by) : read(w, lane, thread, g, by);
            found = found == null ? f : found;
        }
        return found;
    }

    /** Fails if a copy is filling what is accessed. */
    private void underWay(Warp w, int lane, int offset, Access by) {
        for (int word = offset >> 2; word <= offset + by.bytes - 1 >> 2; word++) {
            if (copier[word] != 0) {
                int other = copier[word] - 1;
                String who = other == w.index * Warp.LANES + lane ? "this thread" : "thread " + w.machine.threadName(other);
                throw new Fault(lane, (by.reads() ? "read of" : "write to") + " shared memory that cp.async of " + who + place(copyAt[word]) + " is filling and that has not been waited for, at "
                        + describe(4L * word + Windows.SHARED_START));
            }
        }
    }

    /** A copy of whole words begins, whose place {@link #check} has seen: until it is complete nobody may touch it. */
    void copying(Warp w, int lane, int offset, Access by) {
        if (copier.length < data.length + 3 >> 2) {
            copier = new int[data.length + 3 >> 2];
            copyAt = new Insn[copier.length];
        }
        copies++;
        Arrays.fill(copier, offset >> 2, offset + by.bytes >> 2, w.index * Warp.LANES + lane + 1);
        Arrays.fill(copyAt, offset >> 2, offset + by.bytes >> 2, by);
    }

    /** A copy is complete: it counts as a write of its thread, now. */
    void copied(Warp w, int lane, PendingCopies.Copy copy) {
        int offset = copy.to();
        int bytes = copy.by().bytes;
        copies--;
        Arrays.fill(copier, offset >> 2, offset + bytes >> 2, 0);
        if (bytes == 4) {
            Access.INTS.set(data, offset, (int) copy.low());
        } else {
            Access.LONGS.set(data, offset, copy.low());
        }
        if (bytes == 16) {
            Access.LONGS.set(data, offset + 8, copy.high());
        }
        if (w.machine.options().races()) {
            for (int g = offset >> grain; g <= offset + bytes - 1 >> grain; g++) {
                write(w, lane, w.index * Warp.LANES + lane, g, copy.by());
            }
        }
    }

    /** Whether another thread's access in this epoch is ordered before this one of the warp. */
    private static boolean ordered(Warp w, int other, int round) {
        return other >= 0 && other / Warp.LANES == w.index && round < w.round;
    }

    private Fault read(Warp w, int lane, int thread, int g, Insn by) {
        if (writeEpoch[g] == epoch && writer[g] != thread && !ordered(w, writer[g], writeRound[g])) {
            return race(w, lane, "read", "write", writer[g], writeAt[g], g);
        }
        if (readEpoch[g] != epoch) {
            readAt[g] = by;
            readEpoch[g] = epoch;
            reader[g] = thread;
            readRound[g] = w.round;
            return null;
        }
        int before = reader[g];
        if (before == MANY || before == SEVERAL - w.index && readRound[g] == w.round) {
            return null; // nothing new: the commonest case, where all threads read the same
        }
        readAt[g] = by;
        if (before == thread) {
            readRound[g] = w.round;
            return null;
        }
        int warp = before >= 0 ? before / Warp.LANES : SEVERAL - before;
        if (warp != w.index) {
            reader[g] = MANY;
        } else if (readRound[g] < w.round) { // earlier reads of this warp are ordered before whatever it does from now on
            reader[g] = thread;
            readRound[g] = w.round;
        } else {
            reader[g] = SEVERAL - w.index;
        }
        return null;
    }

    private Fault write(Warp w, int lane, int thread, int g, Access by) {
        boolean atomic = by.reads();
        String now = atomic ? "atomic" : "write";
        int who = thread;
        Fault found = null;
        if (writeEpoch[g] == epoch && writer[g] != thread && !ordered(w, writer[g], writeRound[g])) {
            if (!atomic || !writeAtomic[g]) {
                found = race(w, lane, now, "write", writer[g], writeAt[g], g);
            }
            who = MANY;
        }
        if (readEpoch[g] == epoch && reader[g] != thread) {
            int before = reader[g];
            boolean mine = before != MANY && (before >= 0 ? before / Warp.LANES : SEVERAL - before) == w.index;
            if (!mine || readRound[g] >= w.round) {
                found = race(w, lane, now, "read", before, readAt[g], g);
            }
        }
        writeEpoch[g] = epoch;
        writeAt[g] = by;
        writer[g] = who;
        writeRound[g] = w.round;
        writeAtomic[g] = atomic;
        return found;
    }

    private static String place(Insn at) {
        return at.source.location() == null ? "" : " (" + at.source.location() + ")";
    }

    private Fault race(Warp w, int lane, String now, String before, int other, Insn otherAt, int g) {
        String by = other >= 0 ? "thread " + w.machine.threadName(other) : other == MANY ? "several threads" : "several threads of warp " + (SEVERAL - other);
        return new Fault(lane, "race in shared memory: " + now + " after a " + before + " by " + by + place(otherAt) + " without a barrier between, at "
                + describe(((long) g << grain) + Windows.SHARED_START));
    }
}
