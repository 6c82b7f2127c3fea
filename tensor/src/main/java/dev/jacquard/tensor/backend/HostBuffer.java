package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.EngineBugException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

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
