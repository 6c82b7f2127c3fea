package dev.jacquard.tensor.backend;

import java.lang.foreign.MemorySegment;

/** Memory of a device. Transfers see everything launched before; the host memory may be reused when they return. */
public interface Buffer extends AutoCloseable {
    /** Size in bytes. */
    long bytes();

    /** Copies from host memory to this buffer, from the given byte on. */
    void upload(long at, MemorySegment host);

    /** Host memory on its way to a buffer. */
    @FunctionalInterface
    interface Transfer {
        /** Puts the values in their place, in the order of launches. Once. */
        void place();
    }

    /**
     * Begins to copy host memory towards this buffer while launches may still use what is there; the values appear when the transfer is placed. The host memory must
     * stay unchanged until then. By default nothing happens before.
     */
    default Transfer stage(long at, MemorySegment host) {
        return () -> upload(at, host);
    }

    /** Copies from this buffer, from the given byte on, to host memory, filling it. */
    void download(long at, MemorySegment host);

    /** Part of this buffer; closing the part does nothing. */
    Buffer slice(long at, long bytes);

    /** Frees the memory; a second call does nothing. */
    @Override
    void close();
}
