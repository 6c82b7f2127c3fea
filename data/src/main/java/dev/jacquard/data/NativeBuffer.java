package dev.jacquard.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory outside the heap that grows and is used again; a huge block is let go when a small one is asked for. Not thread-safe. */
final class NativeBuffer implements AutoCloseable {
    private static final long KEPT_BYTES = 32 << 20;
    private static final long ALIGNMENT = 64;

    private Arena arena;
    private MemorySegment memory = MemorySegment.NULL;

    /** At least so many bytes, undefined, valid until the next call. */
    MemorySegment atLeast(long bytes) {
        long have = memory.byteSize();
        if (have < bytes || have > KEPT_BYTES && bytes < have / 4) {
            close();
            arena = Arena.ofShared(); // a decoder may be closed by another thread than the one that used it
            memory = arena.allocate(bytes < KEPT_BYTES ? bytes + bytes / 4 : bytes, ALIGNMENT);
        }
        return memory;
    }

    @Override
    public void close() {
        memory = MemorySegment.NULL;
        if (arena != null) {
            arena.close();
            arena = null;
        }
    }
}
