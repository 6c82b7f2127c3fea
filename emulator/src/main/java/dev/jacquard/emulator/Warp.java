package dev.jacquard.emulator;

import java.util.Arrays;

/**
 * 32 threads in lock step: their registers, and the stack of paths that they have taken. A register is an array of 32 lanes; constants and values that all warps
 * share are registers whose array is shared. A predicate is a bit per lane.
 */
final class Warp {
    static final int LANES = 32;
    static final int RUNNING = 0;
    static final int AT_BARRIER = 1;
    static final int DONE = 2;

    final Machine machine;
    final int index;
    final int[][] r;
    final long[][] q;
    final int[] p;
    final byte[] local;
    private final int[] narrowScratch = new int[LANES];
    private final long[] wideScratch = new long[LANES];

    /** Lanes that have not exited. */
    int alive;
    int state;
    int barrier;
    int barrierThreads;
    /** Where the warp goes on after a barrier that gives a result, or null. */
    Flow.Barrier waitingAt;

    /** Counts the instructions in which lanes met: what is before one is ordered before what is after it. */
    int round;

    /** The wait that failed and ended the warp's turn, or null; and a lane that has to ask again. */
    MbarrierInsn.Wait polls;
    int pollLane;
    /** By warp, the first of its rounds that is not ordered before what this one does, as mbarriers tell; null until one has. */
    int[] seen;
    /** The first round after the last fence of the asynchronous proxy, or 0; and the block's epoch then. */
    int asyncFence;
    int fenceEpoch;

    /** Asynchronous copies under way; null until there is one. */
    private PendingCopies copies;
    /** Products of its warpgroup, or null if the kernel has none. */
    final GroupProducts products;
    /** Bulk copies from shared memory under way; null until there is one. */
    private BulkGroups bulks;

    int depth;
    int[] pathBlock = new int[16];
    int[] pathEnd = new int[16];
    int[] pathMask = new int[16];

    Warp(Machine machine, int index, int[][] r, long[][] q, int[] p, int localBytes, boolean watched) {
        this.machine = machine;
        this.index = index;
        this.r = r;
        this.q = q;
        this.p = p;
        local = new byte[localBytes * LANES];
        products = watched ? new GroupProducts(r.length) : null;
    }

    void start(int lanes, int exitBlock) {
        alive = lanes;
        state = RUNNING;
        depth = 0;
        round = 0;
        waitingAt = null;
        polls = null;
        seen = null;
        asyncFence = 0;
        fenceEpoch = 0;
        if (bulks != null) {
            bulks.clear();
        }
        if (products != null) {
            products.clear();
        }
        if (copies != null) {
            copies.clear();
        }
        push(0, exitBlock, lanes);
    }

    BulkGroups bulks() {
        if (bulks == null) {
            bulks = new BulkGroups();
        }
        return bulks;
    }

    /** Bulk copies from shared memory, or null. */
    BulkGroups bulksOrNull() {
        return bulks;
    }

    PendingCopies copies() {
        if (copies == null) {
            copies = new PendingCopies();
        }
        return copies;
    }

    void push(int block, int end, int mask) {
        if (depth == pathBlock.length) {
            pathBlock = Arrays.copyOf(pathBlock, 2 * depth);
            pathEnd = Arrays.copyOf(pathEnd, 2 * depth);
            pathMask = Arrays.copyOf(pathMask, 2 * depth);
        }
        pathBlock[depth] = block;
        pathEnd[depth] = end;
        pathMask[depth++] = mask;
    }

    /** Where to compute a register for these lanes: in place where they are all that live; else aside, for {@link #settle}. */
    int[] narrow(int d, int mask) {
        return mask == alive ? r[d] : narrowScratch;
    }

    long[] wide(int d, int mask) {
        return mask == alive ? q[d] : wideScratch;
    }

    void settle(int d, int mask) {
        if (mask != alive) {
            int[] to = r[d];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                to[i] = narrowScratch[i];
            }
        }
    }

    void settleWide(int d, int mask) {
        if (mask != alive) {
            long[] to = q[d];
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                to[i] = wideScratch[i];
            }
        }
    }

    /** Writes the active lanes of a register. */
    void write(int d, int mask, int[] values) {
        int[] to = r[d];
        for (int m = mask; m != 0; m &= m - 1) {
            int i = Integer.numberOfTrailingZeros(m);
            to[i] = values[i];
        }
    }

    /** Writes the active lanes of a predicate. */
    void predicate(int d, int mask, int value) {
        p[d] = p[d] & ~mask | value & mask;
    }
}
