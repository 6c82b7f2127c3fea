package dev.jacquard.tensor.plan;

import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Buffer;

/**
 * A stretch of memory that one or more values of a plan lie in, and the steps of the schedule between which it must keep them.
 * Either part of the arena (offset found by {@link ArenaLayout}), or a variable's own memory.
 */
final class Storage {
    /** After the last launch: results that are read after the step. */
    static final int FOREVER = Integer.MAX_VALUE;

    final long bytes;
    final int from;
    int to;
    long offset = -1;
    /** The variable whose memory this is; null in the arena. */
    final Variable variable;
    /** Bound when the plan is. */
    Buffer buffer;

    Storage(long bytes, int from, Variable variable) {
        this.bytes = bytes;
        this.from = from;
        this.to = from;
        this.variable = variable;
    }

    void keepUntil(int step) {
        to = Math.max(to, step);
    }

    boolean overlapsInTime(Storage other) {
        return from <= other.to && other.from <= to;
    }
}
