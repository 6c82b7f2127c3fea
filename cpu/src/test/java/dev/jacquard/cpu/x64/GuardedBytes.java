package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongFunction;

/** Native bytes between two guard bands that {@link #check} proves untouched. */
final class GuardedBytes {
    private static final int BAND = 512;
    private static final byte CANARY = (byte) 0xa7;

    final long address;
    final long bytes;
    private final MemorySegment all;

    private GuardedBytes(MemorySegment all, long bytes) {
        this.all = all.fill(CANARY);
        this.bytes = bytes;
        this.address = all.address() + BAND;
    }

    static GuardedBytes of(Arena arena, long bytes) {
        return new GuardedBytes(arena.allocate(bytes + 2 * BAND, 64), bytes);
    }

    void fill(LongFunction<Byte> value) {
        for (long i = 0; i < bytes; i++) {
            all.set(ValueLayout.JAVA_BYTE, BAND + i, value.apply(i));
        }
    }

    byte get(long i) {
        return all.get(ValueLayout.JAVA_BYTE, BAND + i);
    }

    float getFloat(long i) {
        return all.get(ValueLayout.JAVA_FLOAT, BAND + 4 * i);
    }

    void setFloat(long i, float v) {
        all.set(ValueLayout.JAVA_FLOAT, BAND + 4 * i, v);
    }

    void check(String what) {
        for (long i = 0; i < BAND; i++) {
            assertEquals(CANARY, all.get(ValueLayout.JAVA_BYTE, i), what + ": written before its start");
            assertEquals(CANARY, all.get(ValueLayout.JAVA_BYTE, BAND + bytes + i), what + ": written past its end");
        }
    }

    void same(GuardedBytes other, String what) {
        assertEquals(-1, all.mismatch(other.all), what + ": differs with the number of threads");
    }
}
