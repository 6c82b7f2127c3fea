package dev.jacquard.cpu.x64;

import java.util.List;

/**
 * Sums down the rows of (rows, channels), in blocks of a few vectors of channels whose sums stay in registers: first blocks of the greatest width, then ever narrower ones, the
 * last under a mask. Both counts are arguments of the function; so one function does for all shapes.
 */
abstract class ColumnLoop {
    final Assembler a;
    final InstructionSet set;
    final Lanes lanes;

    ColumnLoop(Assembler a, InstructionSet set) {
        this.a = a;
        this.set = set;
        lanes = new Lanes(a, set);
    }

    /** Sets the accumulators of a block, and cursors to its first row. */
    abstract void begin(int width, boolean rest);

    /** Adds a row to them. */
    abstract void row(int width, boolean rest);

    /** Moves cursors to the next row. */
    abstract void next();

    /** Writes the sums. */
    abstract void end(int width, boolean rest);

    /**
     * The whole loop.
     *
     * @param rows their number, stays
     * @param channels their number, overwritten
     * @param counter overwritten
     * @param pointers advance by a block's channels
     * @param widest vectors of a block, a power of two
     */
    final void emit(Gp rows, Gp channels, Gp counter, List<Gp> pointers, int widest) {
        for (int width = widest; width >= 1; width /= 2) {
            Label narrower = new Label();
            Label again = a.here();
            a.cmp(channels, width * set.lanes());
            a.j(Condition.L, narrower);
            block(rows, counter, width, false);
            for (Gp p : pointers) {
                a.add(p, width * set.bytes());
            }
            a.sub(channels, width * set.lanes());
            if (width == widest) {
                a.jmp(again);
            }
            a.bind(narrower);
        }
        Label done = new Label();
        a.test(channels, channels);
        a.j(Condition.E, done);
        lanes.rest(channels);
        block(rows, counter, 1, true);
        a.bind(done);
    }

    private void block(Gp rows, Gp counter, int width, boolean rest) {
        Label none = new Label();
        begin(width, rest);
        a.mov(counter, rows);
        a.test(counter, counter);
        a.j(Condition.E, none);
        a.align(32);
        Label again = a.here();
        row(width, rest);
        next();
        a.dec(counter);
        a.j(Condition.NE, again);
        a.bind(none);
        end(width, rest);
    }

    /** An accumulator of sum {@code which} (0 or 1) for vector i of a block. */
    final Vec sum(int which, int i) {
        return set.vec(8 + which + 2 * i);
    }

    final void zero(Vec v) {
        a.vxorps(v, v, v);
    }
}
