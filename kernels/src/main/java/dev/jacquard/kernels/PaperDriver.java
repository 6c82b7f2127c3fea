package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.FunctionInfo;
import dev.jacquard.kernels.driver.TensorMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A device on paper: every handle and address is valid, nothing is stored and nothing done, so that a network can be planned for a device that is not there. Memory is not limited:
 * whether a plan fits is for its reader to judge.
 */
final class PaperDriver implements Driver {
    private static final long ALIGNMENT = 256;

    private final DeviceInfo device;
    private long next = 1L << 32;

    PaperDriver(DeviceInfo device) {
        this.device = device;
    }

    private synchronized long handle() {
        return next += ALIGNMENT;
    }

    @Override
    public DeviceInfo device() {
        return device;
    }

    @Override
    public synchronized long allocate(long bytes) {
        long at = next;
        next = Math.addExact(next, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        return at;
    }

    @Override
    public void free(long address) {}

    @Override
    public long freeMemory() {
        return device.memoryBytes();
    }

    @Override
    public MemorySegment allocatePinned(long bytes) {
        return Arena.ofAuto().allocate(bytes, 64);
    }

    @Override
    public void freePinned(MemorySegment memory) {}

    @Override
    public void copyToDevice(long to, MemorySegment from, long stream) {}

    /** @throws DriverException always: there is nothing to read */
    @Override
    public void copyToHost(MemorySegment to, long from, long stream) {
        throw new DriverException(DriverException.Kind.OTHER, "a device on paper has no contents");
    }

    @Override
    public void copy(long to, long from, long bytes, long stream) {}

    @Override
    public void fill(long at, byte value, long bytes, long stream) {}

    @Override
    public long loadModule(String name, byte[] ptx) {
        return handle();
    }

    @Override
    public void unloadModule(long module) {}

    @Override
    public long function(long module, String name) {
        return handle();
    }

    @Override
    public FunctionInfo info(long function) {
        return new FunctionInfo(0, 0, 0, 1024);
    }

    @Override
    public void maxDynamicShared(long function, int bytes) {}

    @Override
    public byte[] encode(TensorMap map) {
        return new byte[TensorMap.BYTES];
    }

    @Override
    public long createStream() {
        return handle();
    }

    @Override
    public void destroyStream(long stream) {}

    @Override
    public void synchronize(long stream) {}

    @Override
    public long createEvent(boolean timing) {
        return handle();
    }

    @Override
    public void destroyEvent(long event) {}

    @Override
    public void record(long event, long stream) {}

    @Override
    public void await(long stream, long event) {}

    @Override
    public void synchronizeEvent(long event) {}

    @Override
    public float milliseconds(long from, long to) {
        return 0;
    }

    @Override
    public void launch(long function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, long stream, long parameters) {}

    @Override
    public void beginCapture(long stream) {}

    @Override
    public long endCapture(long stream) {
        return handle();
    }

    @Override
    public void launchGraph(long graph, long stream) {}

    @Override
    public void destroyGraph(long graph) {}

    @Override
    public void close() {}
}
