package dev.jacquard.tensor.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Places storages in one arena so that those alive at the same time do not overlap: largest first, each at the lowest offset that is free for its
 * whole life (the greedy-by-size rule of Pisarchyk and Lee 2020, arXiv:2001.03288).
 */
final class ArenaLayout {
    /** A cache line, and the widest vector. */
    static final long ALIGNMENT = 64;

    private ArenaLayout() {}

    /** Sets the offsets. @return bytes of the arena */
    static long place(List<Storage> storages) {
        List<Storage> order = new ArrayList<>(storages);
        order.sort(Comparator.comparingLong((Storage s) -> s.bytes).reversed());
        List<Storage> placed = new ArrayList<>(); // by offset
        long total = 0;
        for (Storage s : order) {
            long size = align(s.bytes);
            long at = 0;
            for (Storage p : placed) {
                if (p.overlapsInTime(s)) {
                    if (p.offset - at >= size) {
                        break;
                    }
                    at = Math.max(at, p.offset + align(p.bytes));
                }
            }
            s.offset = at;
            int i = placed.size();
            while (i > 0 && placed.get(i - 1).offset > at) {
                i--;
            }
            placed.add(i, s);
            total = Math.max(total, at + size);
        }
        return total;
    }

    static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
