package dev.jacquard.tensor.backend;

import java.lang.foreign.MemorySegment;

/** Memory of a device. Transfers are synchronous: they see everything launched before. */
public interface Buffer extends AutoCloseable {
    /** Size in bytes. */
    long bytes();

    /** Copies from host memory to this buffer, from the given byte on. */
    void upload(long at, MemorySegment host);

    /** Copies from this buffer, from the given byte on, to host memory, filling it. */
    void download(long at, MemorySegment host);

    /** Part of this buffer; closing the part does nothing. */
    Buffer slice(long at, long bytes);

    /** Frees the memory; a second call does nothing. */
    @Override
    void close();
}
