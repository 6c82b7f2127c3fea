package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.EngineBugException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A buffer in native memory of this process, on a cache line; for backends that run on the host. A slice shares its parent's memory and life. */
public final class HostBuffer implements Buffer {
    private final MemorySegment memory;
    /** Null for a part of another buffer. */
    private final Arena arena;

    private HostBuffer(MemorySegment memory, Arena arena) {
        this.memory = memory;
        this.arena = arena;
    }

    /** Allocates, all zeros. @throws OutOfMemoryError if there is not enough */
    public static HostBuffer allocate(long bytes) {
        Arena arena = Arena.ofShared();
        return new HostBuffer(HostMemory.allocate(bytes, arena), arena);
    }

    /** Buffers in one piece of memory, all zeros; closing the first frees all. @throws OutOfMemoryError if there is not enough */
    public static List<Buffer> allocateTogether(List<Long> bytes) {
        long total = bytes.stream().mapToLong(HostBuffer::lines).sum();
        Arena arena = Arena.ofShared();
        MemorySegment all = HostMemory.allocate(total, arena);
        List<Buffer> parts = new ArrayList<>();
        long at = 0;
        for (long n : bytes) {
            parts.add(new HostBuffer(all.asSlice(at, Math.max(n, 1)), parts.isEmpty() ? arena : null));
            at += lines(n);
        }
        return parts;
    }

    /** Whole cache lines, two at least. */
    private static long lines(long bytes) {
        return Math.max(128, (bytes + 63) / 64 * 64);
    }

    /** Memory that somebody else keeps alive. */
    public static HostBuffer over(MemorySegment memory) {
        return new HostBuffer(memory, null);
    }

    /** A buffer as one of these. @throws EngineBugException if it is of a device */
    public static HostBuffer of(Buffer buffer) {
        if (buffer instanceof HostBuffer h) {
            return h;
        }
        throw new EngineBugException("buffer", "not host memory", buffer.getClass().getName(), "a buffer that this backend allocated", "report this");
    }

    /** The memory. */
    public MemorySegment segment() {
        return memory;
    }

    @Override
    public long bytes() {
        return memory.byteSize();
    }

    @Override
    public void upload(long at, MemorySegment host) {
        MemorySegment.copy(host, 0, memory, at, host.byteSize());
    }

    @Override
    public void download(long at, MemorySegment host) {
        MemorySegment.copy(memory, at, host, 0, host.byteSize());
    }

    @Override
    public Buffer slice(long at, long bytes) {
        return new HostBuffer(memory.asSlice(at, bytes), null);
    }

    @Override
    public void close() {
        if (arena != null && arena.scope().isAlive()) {
            arena.close();
        }
    }
}
