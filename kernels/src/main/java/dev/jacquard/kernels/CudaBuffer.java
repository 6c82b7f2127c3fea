package dev.jacquard.kernels;

import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.backend.Buffer;
import java.lang.foreign.MemorySegment;

/** Device memory; a slice shares its parent's. */
final class CudaBuffer implements Buffer {
    private final Device device;
    private final long address;
    private final long bytes;
    private final boolean owner;
    private boolean closed;

    CudaBuffer(Device device, long address, long bytes, boolean owner) {
        this.device = device;
        this.address = address;
        this.bytes = bytes;
        this.owner = owner;
    }

    /** A buffer as one of these. @throws EngineBugException if it is not on a CUDA device */
    static CudaBuffer of(Buffer buffer) {
        if (buffer instanceof CudaBuffer b) {
            return b;
        }
        throw new EngineBugException("buffer", "not device memory", buffer.getClass().getName(), "a buffer that this backend allocated", "report this");
    }

    long address() {
        return address;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public void upload(long at, MemorySegment host) {
        check(at, host.byteSize());
        device.upload(address + at, host);
    }

    @Override
    public Transfer stage(long at, MemorySegment host) {
        check(at, host.byteSize());
        return device.stage(address + at, host);
    }

    @Override
    public void download(long at, MemorySegment host) {
        check(at, host.byteSize());
        device.download(host, address + at);
    }

    private void check(long at, long length) {
        if (at < 0 || length > bytes - at) {
            throw new EngineBugException("buffer", "transfer outside of it", at + " + " + length, "within " + bytes + " bytes", "report this");
        }
    }

    @Override
    public Buffer slice(long at, long length) {
        check(at, length);
        return new CudaBuffer(device, address + at, length, false);
    }

    @Override
    public synchronized void close() {
        if (owner && !closed) {
            closed = true;
            device.free(address);
        }
    }
}
