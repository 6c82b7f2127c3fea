package dev.jacquard.cpu.x64;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Single numbers at native addresses, for what is prepared in Java around emitted kernels. */
@SuppressWarnings("restricted") // reinterpret: the JVM is started with --enable-native-access
final class Native {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private Native() {}

    static float get(long address) {
        return ALL.get(ValueLayout.JAVA_FLOAT_UNALIGNED, address);
    }

    static void set(long address, float value) {
        ALL.set(ValueLayout.JAVA_FLOAT_UNALIGNED, address, value);
    }

    /** Sets bytes to zero. */
    static void zero(long address, long bytes) {
        ALL.asSlice(address, bytes).fill((byte) 0);
    }

    /** Words that live as long as the segment is reachable, on a cache line. */
    static MemorySegment words(long... values) {
        MemorySegment s = Arena.ofAuto().allocate(8L * values.length, 64);
        MemorySegment.copy(values, 0, s, ValueLayout.JAVA_LONG, 0, values.length);
        return s;
    }

    /** The same of 32-bit numbers. */
    static MemorySegment ints(int... values) {
        MemorySegment s = Arena.ofAuto().allocate(4L * values.length, 64);
        MemorySegment.copy(values, 0, s, ValueLayout.JAVA_INT, 0, values.length);
        return s;
    }
}
