package dev.jacquard.cpu.x64;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Tables and arguments that emitted kernels read: native memory on a cache line, which lives as long as its segment is reachable. */
final class Native {
    private static final long LINE = 64;
    private static final long PAGE = 4096;

    private Native() {}

    /** Zeros, to be filled in. */
    static MemorySegment zeros(long bytes) {
        return Arena.ofAuto().allocate(bytes, LINE);
    }

    /** Zeros in whole pages, which nothing else is in. */
    static MemorySegment pages(long bytes) {
        return Arena.ofAuto().allocate(Math.ceilDiv(bytes, PAGE) * PAGE, PAGE);
    }

    /** Numbers of 64 bits. */
    static MemorySegment words(long... values) {
        MemorySegment s = zeros(8L * values.length);
        MemorySegment.copy(values, 0, s, ValueLayout.JAVA_LONG, 0, values.length);
        return s;
    }

    /** Numbers of 32 bits. */
    static MemorySegment ints(int... values) {
        MemorySegment s = zeros(4L * values.length);
        MemorySegment.copy(values, 0, s, ValueLayout.JAVA_INT, 0, values.length);
        return s;
    }
}
