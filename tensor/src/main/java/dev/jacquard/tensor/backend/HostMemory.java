package dev.jacquard.tensor.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Native memory for numbers. On Linux large pieces are mapped by the system in pages of 2 MiB where it has them ({@code transparent_hugepage} at {@code madvise}): a page fault per
 * 2 MiB instead of one per 4 KiB, and as much less to look up in the processor's tables of pages. Such memory is zeroed when it is first touched, by whoever touches it. Elsewhere,
 * and where it is small, memory is the JDK's.
 */
final class HostMemory {
    private static final long HUGE_PAGE = 2 << 20;

    private HostMemory() {}

    /** Zeroed memory, on a cache line at least, that lives as long as its arena. @throws OutOfMemoryError if there is not enough */
    static MemorySegment allocate(long bytes, Arena arena) {
        Optional<MemoryCalls> calls = MemoryCalls.here();
        return bytes < HUGE_PAGE || calls.isEmpty() ? arena.allocate(Math.max(bytes, 1), 64) : inHugePages(bytes, arena, calls.get());
    }

    @SuppressWarnings("restricted") // reinterpret: the JVM is started with --enable-native-access
    private static MemorySegment inHugePages(long bytes, Arena arena, MemoryCalls calls) {
        long size = bytes + HUGE_PAGE; // so that a whole page can begin in it
        if (size < 0) {
            throw new OutOfMemoryError(bytes + " bytes of native memory");
        }
        long base = calls.map(size).orElseThrow(() -> new OutOfMemoryError(bytes + " bytes of native memory"));
        long at = (base + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        calls.adviseHugePages(at, bytes);
        return MemorySegment.ofAddress(at).reinterpret(bytes, arena, _ -> calls.unmap(base, size));
    }
}
