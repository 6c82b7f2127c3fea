package dev.jacquard.cpu;

import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.backend.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** Native memory of this process, on a cache line. */
final class CpuBuffer implements Buffer {
    private final MemorySegment memory;
    /** Null for a part of another buffer. */
    private final Arena arena;
    private final AtomicLong held;
    private boolean closed;

    private CpuBuffer(MemorySegment memory, Arena arena, AtomicLong held) {
        this.memory = memory;
        this.arena = arena;
        this.held = held;
    }

    /** Allocates. @param held counts the bytes of all open buffers */
    static CpuBuffer allocate(long bytes, AtomicLong held) {
        Arena arena = Arena.ofShared();
        CpuBuffer b = new CpuBuffer(arena.allocate(Math.max(bytes, 1), 64), arena, held);
        held.addAndGet(b.bytes());
        return b;
    }

    /** Memory that belongs to somebody else. */
    static CpuBuffer at(long address, long bytes) {
        return new CpuBuffer(Raw.segment(address, bytes), null, new AtomicLong());
    }

    /** Where it begins. */
    long address() {
        return memory.address();
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
        return new CpuBuffer(memory.asSlice(at, bytes), null, held);
    }

    @Override
    public void close() {
        if (arena != null && !closed) {
            closed = true;
            held.addAndGet(-bytes());
            arena.close();
        }
    }

    /** The buffer as one of this backend's. */
    static CpuBuffer of(Buffer b) {
        if (b instanceof CpuBuffer c) {
            return c;
        }
        throw new EngineBugException("cpu", "buffer of another backend", b.getClass().getName(), "a CpuBuffer", "report this");
    }
}
