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
    /** By grain that warps read which are told apart by mbarriers: for each warp the round of its last read plus one, or 0. */
    private int[][] crowds = new int[0][];
    private final Watches watches = new Watches(this);
    /** The epoch in which the block began. */
    private int first;

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
            crowds = new int[grains][];
            epoch = 0;
        }
    }

    /** A new block: nothing has been written. */
    void start() {
        watches.start();
        Arrays.fill(valid, 0, (size + 63) >> 6, 0);
        barrier();
        first = epoch;
    }

    /** What was done before is ordered before what follows. */
    void barrier() {
        if (watches.active()) {
            watches.barrier();
        }
        if (++epoch == Integer.MAX_VALUE) {
            Arrays.fill(writeEpoch, 0);
            Arrays.fill(readEpoch, 0);
            epoch = 1;
            first = 1;
        }
    }

    /** Counts the block's barriers. */
    int epoch() {
        return epoch;
    }

    Watches watches() {
        return watches;
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
        if (watches.active() && w.machine.options().races()) {
            watches.check(w, lane, offset, bytes, reads, writes, false);
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

    /** A copy is complete: it counts as a write of its thread, now. */
    void copied(Warp w, int lane, PendingCopies.Copy copy) {
        int offset = copy.to();
        int bytes = copy.by().bytes;
        watches.copied(offset, bytes);
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
        if (other < 0) {
            return false;
        }
        int warp = other / Warp.LANES;
        return warp == w.index ? round < w.round : w.seen != null && round < w.seen[warp];
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
        if (before == MANY && crowds[g] != null) {
            crowds[g][w.index] = w.round + 1;
        }
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
            crowd(w, g, warp);
        } else if (readRound[g] < w.round) { // earlier reads of this warp are ordered before whatever it does from now on
            reader[g] = thread;
            readRound[g] = w.round;
        } else {
            reader[g] = SEVERAL - w.index;
        }
        return null;
    }

    /** From now on several warps' reads of a grain are remembered one by one, if mbarriers may order them. */
    private void crowd(Warp w, int g, int warp) {
        if (w.machine.mbarriers().changes() == 0) {
            crowds[g] = null;
            return;
        }
        if (crowds[g] == null) {
            crowds[g] = new int[Mbarrier.WARPS];
        }
        Arrays.fill(crowds[g], 0);
        crowds[g][warp] = readRound[g] + 1;
        crowds[g][w.index] = w.round + 1;
    }

    /** Whether all reads of a grain in this epoch, of which one at least is another thread's, are ordered before what the warp does now. */
    private boolean readsOrdered(Warp w, int g) {
        int before = reader[g];
        if (before == MANY) {
            int[] crowd = crowds[g];
            for (int i = 0; crowd != null && i < crowd.length; i++) {
                if (crowd[i] > 0 && !ordered(w, i * Warp.LANES, crowd[i] - 1)) {
                    return false;
                }
            }
            return crowd != null;
        }
        return ordered(w, before >= 0 ? before : (SEVERAL - before) * Warp.LANES, readRound[g]);
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
        if (readEpoch[g] == epoch && reader[g] != thread && !readsOrdered(w, g)) {
            found = race(w, lane, now, "read", reader[g], readAt[g], g);
        }
        writeEpoch[g] = epoch;
        writeAt[g] = by;
        writer[g] = who;
        writeRound[g] = w.round;
        writeAtomic[g] = atomic;
        return found;
    }

    // What is not a thread's own access.

    /** A thread takes bytes for a barrier object. @throws Fault as {@link #refill} */
    void claim(Warp w, int lane, int offset, int bytes) {
        refill(w, lane, offset, bytes, "mbarrier.init");
    }

    /** An asynchronous instruction of a lane begins to overwrite bytes. @throws Fault if another thread's access to them is not ordered before it */
    void refill(Warp w, int lane, int offset, int bytes, String what) {
        if (!w.machine.options().races()) {
            return;
        }
        if (watches.active()) {
            watches.check(w, lane, offset, bytes, false, true, true);
        }
        int thread = w.index * Warp.LANES + lane;
        for (int g = offset >> grain; g <= offset + bytes - 1 >> grain; g++) {
            if (writeEpoch[g] == epoch && writer[g] != thread && !ordered(w, writer[g], writeRound[g])) {
                throw race(w, lane, what, "write", writer[g], writeAt[g], g);
            }
            if (readEpoch[g] == epoch && reader[g] != thread && !readsOrdered(w, g)) {
                throw race(w, lane, what, "read", reader[g], readAt[g], g);
            }
        }
    }

    /** An asynchronous instruction of a lane that has been waited for has read bytes: it counts as a read of the lane, now. */
    void hasRead(Warp w, int lane, int offset, int bytes, Insn by) {
        watches.hasRead(offset, bytes);
        for (int g = offset >> grain; g <= offset + bytes - 1 >> grain && w.machine.options().races(); g++) {
            read(w, lane, w.index * Warp.LANES + lane, g, by);
        }
    }

    /** An asynchronous copy has come. */
    void fill(int offset, byte[] from) {
        System.arraycopy(from, 0, data, offset, from.length);
        Bits.set(valid, offset, offset + from.length);
        for (int g = offset >> grain; g <= offset + from.length - 1 >> grain; g++) {
            writeEpoch[g] = 0;
            readEpoch[g] = 0;
        }
    }

    /** An asynchronous instruction of a lane reads bytes. @throws Fault if they are not there, or not for it */
    void asyncRead(Warp w, int lane, int offset, int bytes, String what) {
        boolean races = w.machine.options().races();
        if (races && watches.active()) {
            watches.check(w, lane, offset, bytes, true, false, false);
        }
        boolean whole = (offset & 63) + bytes < 64 && (~valid[offset >> 6] >>> offset & (1L << bytes) - 1) == 0;
        for (int at = offset; !whole && at < offset + bytes && w.machine.options().uninitialized(); at++) {
            if ((valid[at >> 6] >>> at & 1) == 0) {
                throw new Fault(lane, what + " of shared memory that was never written, at " + describe(at + (long) Windows.SHARED_START));
            }
        }
        if (races) {
            ordered(w, lane, offset, bytes, what);
        }
    }

    /** Fails if a write of bytes is not ordered before an asynchronous read of them. */
    private void ordered(Warp w, int lane, int offset, int bytes, String what) {
        int thread = w.index * Warp.LANES + lane;
        for (int g = offset >> grain; g <= offset + bytes - 1 >> grain; g++) {
            if (writeEpoch[g] >= first) {
                if (writeEpoch[g] == epoch && writer[g] != thread && !ordered(w, writer[g], writeRound[g])) {
                    throw race(w, lane, what, "write", writer[g], writeAt[g], g);
                }
                boolean fenced = w.fenceEpoch > writeEpoch[g] || writer[g] >= 0 && w.machine.warp(writer[g] / Warp.LANES).asyncFence > writeRound[g];
                if (!fenced) {
                    throw new Fault(lane, "missing fence.proxy.async: " + what + " of shared memory that "
                            + (writer[g] < 0 ? "several threads" : "thread " + w.machine.threadName(writer[g]))
                            + place(writeAt[g]) + " wrote without one, at " + describe(((long) g << grain) + Windows.SHARED_START));
                }
            }
        }
    }

    static String place(Insn at) {
        return at.source.location() == null ? "" : " (" + at.source.location() + ")";
    }

    private Fault race(Warp w, int lane, String now, String before, int other, Insn otherAt, int g) {
        String by = other >= 0 ? "thread " + w.machine.threadName(other) : other == MANY ? "several threads" : "several threads of warp " + (SEVERAL - other);
        return new Fault(lane, "race in shared memory: " + now + " after a " + before + " by " + by + place(otherAt) + " without a barrier between, at "
                + describe(((long) g << grain) + Windows.SHARED_START));
    }
}
