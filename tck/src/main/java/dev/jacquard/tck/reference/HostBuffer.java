package dev.jacquard.tck.reference;

import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.backend.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Host memory with a life of its own; a slice shares its parent's. */
final class HostBuffer implements Buffer {
    private final Arena arena;
    private final MemorySegment segment;

    private HostBuffer(Arena arena, MemorySegment segment) {
        this.arena = arena;
        this.segment = segment;
    }

    static HostBuffer allocate(long bytes) {
        Arena arena = Arena.ofShared();
        return new HostBuffer(arena, arena.allocate(Math.max(bytes, 1), 64));
    }

    static HostBuffer of(Buffer buffer) {
        if (buffer instanceof HostBuffer h) {
            return h;
        }
        throw new EngineBugException("reference", "buffer of another backend", buffer.getClass().getName(), "a buffer that this backend allocated", "report this");
    }

    MemorySegment segment() {
        return segment;
    }

    @Override
    public long bytes() {
        return segment.byteSize();
    }

    @Override
    public void upload(long at, MemorySegment host) {
        MemorySegment.copy(host, 0, segment, at, host.byteSize());
    }

    @Override
    public void download(long at, MemorySegment host) {
        MemorySegment.copy(segment, at, host, 0, host.byteSize());
    }

    @Override
    public Buffer slice(long at, long bytes) {
        return new HostBuffer(null, segment.asSlice(at, bytes));
    }

    @Override
    public void close() {
        if (arena != null && arena.scope().isAlive()) {
            arena.close();
        }
    }
}
