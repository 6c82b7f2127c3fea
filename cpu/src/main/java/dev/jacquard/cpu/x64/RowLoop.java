package dev.jacquard.cpu.x64;

import java.util.ArrayList;
import java.util.List;

/**
 * A loop over rows of float32, of a length that is known when it runs: of each row whole vectors, then one under the mask of {@link Lanes}. All rows are as long; so the mask is
 * made once, before the first.
 *
 * @param a where to
 * @param lanes makes and uses the mask
 * @param length elements of a row; stays
 * @param left overwritten
 * @param at bytes from a row's first element to the vector that a body is emitted for
 */
record RowLoop(Assembler a, Lanes lanes, Gp length, Gp left, Gp at) {
    /** Makes the mask: before all else. */
    void mask() {
        lanes.remainder(left, length);
        lanes.rest(left);
    }

    /** The loop. @param rows their number, at least 1, overwritten @param row emits what is done with one, the step to the next included */
    void rows(Gp rows, Runnable row) {
        Label again = a.here();
        row.run();
        a.dec(rows);
        a.j(Condition.NE, again);
    }

    /** The elements of one row. @param unroll vectors at once @param cursors registers that advance with {@code at} */
    void row(int unroll, List<Gp> cursors, Lanes.Body body) {
        a.mov(left, length);
        a.xor(at, at);
        List<Gp> all = new ArrayList<>(cursors);
        all.add(at);
        lanes.loop(left, unroll, all, false, body);
    }

    /** Moves pointers on by a row, where rows are dense. */
    void next(List<Gp> pointers) {
        for (Gp p : pointers) {
            a.lea(p, Mem.at(p, length, 4, 0));
        }
    }
}
