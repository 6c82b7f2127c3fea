package dev.jacquard.emulator;

import java.util.ArrayDeque;
import java.util.Deque;

/** A warp's bulk copies from shared memory that have not been waited for, by lane: those of no group yet, and the committed groups, oldest first. */
final class BulkGroups {
    /** A copy that reads shared memory. */
    record Out(Insn by, int lane, int from, int bytes) {}

    private final ArrayDeque<Deque<Out>>[] groups = queues();
    private final Deque<Out>[] open = open();

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static ArrayDeque<Deque<Out>>[] queues() {
        ArrayDeque[] all = new ArrayDeque[Warp.LANES];
        for (int i = 0; i < all.length; i++) {
            all[i] = new ArrayDeque<>();
        }
        return all;
    }

    private static Deque<Out>[] open() {
        @SuppressWarnings({"unchecked", "rawtypes"})
        Deque<Out>[] all = new Deque[Warp.LANES];
        for (int i = 0; i < all.length; i++) {
            all[i] = new ArrayDeque<>();
        }
        return all;
    }

    void issue(Out copy) {
        open[copy.lane()].add(copy);
    }

    void commit(int lane) {
        groups[lane].add(open[lane]);
        open[lane] = new ArrayDeque<>();
    }

    /** Waits for a lane's groups, oldest first, until so many are left. */
    void complete(Warp w, int lane, int left) {
        while (groups[lane].size() > left) {
            groups[lane].remove().forEach(c -> w.machine.shared().hasRead(w, lane, c.from(), c.bytes(), c.by()));
        }
    }

    /** A copy that is still under way, or null. */
    Out any() {
        for (int i = 0; i < Warp.LANES; i++) {
            for (Deque<Out> g : groups[i]) {
                if (!g.isEmpty()) {
                    return g.peek();
                }
            }
            if (!open[i].isEmpty()) {
                return open[i].peek();
            }
        }
        return null;
    }

    /** A new block. */
    void clear() {
        for (int i = 0; i < Warp.LANES; i++) {
            groups[i].clear();
            open[i].clear();
        }
    }
}
