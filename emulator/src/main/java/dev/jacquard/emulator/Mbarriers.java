package dev.jacquard.emulator;

import java.util.TreeMap;

/** The {@link Mbarrier}s of the block that runs, by their offsets in shared memory. */
final class Mbarriers {
    static final int BYTES = 8;

    private final TreeMap<Integer, Mbarrier> live = new TreeMap<>();
    private long changes;

    /** A new block. */
    void start() {
        live.clear();
        changes = 0;
    }

    /** A count of some barrier has changed. */
    void changed() {
        changes++;
    }

    /** How often that was. */
    long changes() {
        return changes;
    }

    void make(Warp w, int lane, int offset, int count) {
        if (live.containsKey(offset)) {
            throw new Fault(lane, "mbarrier.init of an mbarrier that is in use, without mbarrier.inval before, at "
                    + w.machine.shared().describe(offset + (long) Windows.SHARED_START));
        }
        live.put(offset, new Mbarrier(w, lane, offset, count));
    }

    void remove(Warp w, int lane, int offset) {
        find(w, lane, offset, "mbarrier.inval");
        live.remove(offset);
    }

    /** The barrier there. @throws Fault if there is none */
    Mbarrier find(Warp w, int lane, int offset, String what) {
        Mbarrier found = live.get(offset);
        if (found == null) {
            throw new Fault(lane, what + ": no mbarrier has been initialised at " + w.machine.shared().describe(offset + (long) Windows.SHARED_START));
        }
        if (!found.known(w) && w.machine.options().races()) {
            throw new Fault(lane, what + ": race with the mbarrier.init of another warp, without a barrier between, at "
                    + w.machine.shared().describe(offset + (long) Windows.SHARED_START));
        }
        return found;
    }

    /** A copy that nobody has waited for, or null. */
    BulkCopy.Flight anyFlight() {
        return live.values().stream().map(Mbarrier::firstFlight).filter(f -> f != null).findFirst().orElse(null);
    }
}
