package dev.jacquard.emulator;

import java.util.ArrayDeque;

/**
 * A barrier object in shared memory ({@code mbarrier}): phases, each of which ends when so many arrivals have come and all announced bytes have been copied.
 *
 * <p>What a warp did before it arrived in a phase is ordered before what another does after it has seen the phase's end. Warps are told apart, their lanes are not: an arrival
 * counts as a meeting of its warp's lanes. Bulk copies that complete on the barrier do so as late as can be: when a thread asks for a phase that has not ended.
 */
final class Mbarrier {
    /** Largest count of arrivals, and of bytes under way. */
    static final int MOST = (1 << 20) - 1;
    static final int WARPS = 32;

    final int offset;
    /** The warp that made it. */
    private final int maker;
    private final int madeIn;
    private final int epoch;
    private int expected;
    private int pending;
    private int bytes;
    private int phase;
    /** By warp, the first of its rounds that is not ordered before the end of the phase under way. */
    private final int[] arrived = new int[WARPS];
    private final int[] released = new int[WARPS];
    /** By warp, how many phases it has seen end. */
    private final int[] observed = new int[WARPS];
    private final ArrayDeque<BulkCopy.Flight> flights = new ArrayDeque<>();

    Mbarrier(Warp by, int lane, int offset, int count) {
        if (count < 1 || count > MOST) {
            throw new Fault(lane, "mbarrier.init with a count of " + Integer.toUnsignedString(count) + ", must be 1 to " + MOST);
        }
        this.offset = offset;
        maker = by.index;
        madeIn = by.round;
        epoch = by.machine.shared().epoch();
        expected = count;
        pending = count;
    }

    /** Phases that have ended. */
    int phase() {
        return phase;
    }

    /** Whether a warp may know that there is a barrier: a warp's lanes are not told apart. */
    boolean known(Warp w) {
        return w.index == maker || w.machine.shared().epoch() > epoch;
    }

    /** Whether the maker's warp, or another, has executed a fence since that shows the barrier to the asynchronous proxy. */
    boolean visible(Warp w) {
        return w.machine.warp(maker).asyncFence > madeIn || w.fenceEpoch > epoch;
    }

    /** So many arrivals of a thread. @param release whether what its warp did before is ordered before the phase's end */
    void arrive(Warp w, int lane, int count, boolean release) {
        if (count < 1 || count > pending) {
            throw new Fault(lane, count + " arrivals at the mbarrier at " + w.machine.shared().describe(offset + (long) Windows.SHARED_START) + ", whose phase " + phase
                    + " expects " + pending
                    + " more of " + expected);
        }
        if (release) {
            release(w);
        }
        pending -= count;
        w.machine.mbarriers().changed();
        end();
    }

    private void release(Warp w) {
        for (int i = 0; w.seen != null && i < WARPS; i++) {
            arrived[i] = Math.max(arrived[i], w.seen[i]);
        }
        arrived[w.index] = ++w.round;
    }

    /** The phase is to wait for so many bytes more. */
    void expect(Warp w, int lane, int n) {
        count(w, lane, (long) bytes + Integer.toUnsignedLong(n));
    }

    /** So many bytes have come. */
    void complete(Warp w, int lane, int n) {
        count(w, lane, (long) bytes - Integer.toUnsignedLong(n));
        end();
    }

    private void count(Warp w, int lane, long n) {
        if (Math.abs(n) > MOST) {
            throw new Fault(lane, "a tx-count of " + n + " bytes at the mbarrier at " + w.machine.shared().describe(offset + (long) Windows.SHARED_START)
                    + ", must be within " + MOST);
        }
        bytes = (int) n;
        w.machine.mbarriers().changed();
    }

    /** Later phases expect one arrival less, and this thread has arrived. */
    void drop(Warp w, int lane, boolean release) {
        expected--;
        arrive(w, lane, 1, release);
    }

    private void end() {
        if (pending == 0 && bytes == 0) {
            phase++;
            pending = expected;
            System.arraycopy(arrived, 0, released, 0, WARPS);
        }
    }

    /** A copy that will complete here. */
    void flies(BulkCopy.Flight flight) {
        flights.add(flight);
    }

    /** Whether a phase has ended; if it has not, copies land until it has. */
    boolean ended(Warp w, int asked) {
        while (phase <= asked && !flights.isEmpty()) {
            BulkCopy.Flight f = flights.remove();
            f.land(phase);
            complete(f.warp(), f.lane(), f.bytes());
        }
        return phase > asked;
    }

    /** A warp has seen that all phases until now have ended. */
    void acquire(Warp w) {
        if (w.seen == null) {
            w.seen = new int[WARPS];
        }
        for (int i = 0; i < WARPS; i++) {
            w.seen[i] = Math.max(w.seen[i], released[i]);
        }
        observed[w.index] = phase;
    }

    /** Whether a warp knows that a phase has ended. */
    boolean seenBy(Warp w, int of) {
        return observed[w.index] > of;
    }

    /** Whether any warp knows that a phase has ended. */
    boolean seen(int of) {
        for (int o : observed) {
            if (o > of) {
                return true;
            }
        }
        return false;
    }

    BulkCopy.Flight firstFlight() {
        return flights.peek();
    }

    /** What it still waits for, in words. */
    String state() {
        return "phase " + phase + " still expects " + pending + " of " + expected + " arrivals and " + bytes + " bytes";
    }
}
