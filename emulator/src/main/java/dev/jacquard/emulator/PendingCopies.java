package dev.jacquard.emulator;

import java.util.ArrayDeque;

/** The {@code cp.async} copies of a warp's lanes that have been issued and not been waited for: those of no group yet, and the committed groups, oldest first. */
final class PendingCopies {
    /** A copy under way. @param by its instruction @param to offset in shared memory @param low first eight bytes @param high the others */
    record Copy(AsyncCopy by, int to, long low, long high) {}

    /** One lane's: copies in order of issue, sizes of the committed groups, and how many copies came after the last of these. */
    private static final class Queue {
        private final ArrayDeque<Copy> copies = new ArrayDeque<>();
        private final ArrayDeque<Integer> groups = new ArrayDeque<>();
        private int open;
    }

    private final Queue[] lanes = new Queue[Warp.LANES];

    PendingCopies() {
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = new Queue();
        }
    }

    void issue(int lane, Copy copy) {
        lanes[lane].copies.add(copy);
        lanes[lane].open++;
    }

    /** Groups what is in no group yet; a group may be empty. */
    void commit(int lane) {
        lanes[lane].groups.add(lanes[lane].open);
        lanes[lane].open = 0;
    }

    /** Completes a lane's groups, oldest first, until so many are left. */
    void complete(Warp w, int lane, int left) {
        Queue q = lanes[lane];
        while (q.groups.size() > left) {
            for (int n = q.groups.remove(); n > 0; n--) {
                w.machine.shared().copied(w, lane, q.copies.remove());
            }
        }
    }

    /** A new block: nothing is under way. */
    void clear() {
        for (Queue q : lanes) {
            q.copies.clear();
            q.groups.clear();
            q.open = 0;
        }
    }
}
