package dev.jacquard.kernels.driver;

import java.lang.foreign.MemorySegment;

/**
 * What Jacquard needs of a CUDA device, a thin layer over the driver API's primary context. Two implementations: the NVIDIA driver, and an emulator that executes the
 * same PTX on the JVM. Handles and device addresses are plain longs; the caller owns them.
 *
 * <p>Thread-safe. Calls with a stream return before the work is done and may run in any order against other streams; stream 0 is not used. Every failure is a
 * {@link DriverException}. After a sticky error (see {@link DriverException.Kind#sticky}) every call fails with it,
 * but those that end or free something may do nothing instead, as there is nothing left to free.
 */
public interface Driver extends AutoCloseable {
    /** What the device is. */
    DeviceInfo device();

    /** Memory for so many bytes (at least 1), aligned to 256; contents are undefined. @throws DriverException of kind OUT_OF_MEMORY */
    long allocate(long bytes);

    /** Frees what {@link #allocate} gave, after all launched work that uses it is done. */
    void free(long address);

    /** Bytes of device memory that could still be allocated. */
    long freeMemory();

    /** Page-locked host memory that {@link #copyToDevice} and {@link #copyToHost} move asynchronously. */
    MemorySegment allocatePinned(long bytes);

    /** Frees what {@link #allocatePinned} gave. */
    void freePinned(MemorySegment memory);

    /** Copies host memory to the device, in stream order. Asynchronous for pinned memory, which must stay unchanged until then; otherwise the source may be reused at return. */
    void copyToDevice(long to, MemorySegment from, long stream);

    /** Copies device memory to the host, in stream order. For memory that is not pinned it returns when the copy is done. */
    void copyToHost(MemorySegment to, long from, long stream);

    /** Copies within the device, in stream order. */
    void copy(long to, long from, long bytes, long stream);

    /** Sets bytes, in stream order. */
    void fill(long at, byte value, long bytes, long stream);

    /** Compiles and loads PTX. @param name of the module, for messages @return a module @throws DriverException of kind INVALID_PTX with the compiler's log */
    long loadModule(String name, byte[] ptx);

    /** Unloads a module; its functions are gone. */
    void unloadModule(long module);

    /** A kernel of a module. @throws DriverException of kind NOT_FOUND */
    long function(long module, String name);

    /** What a kernel needs. */
    FunctionInfo info(long function);

    /** Lets a kernel use more dynamic shared memory than 48 KiB. */
    void maxDynamicShared(long function, int bytes);

    /**
     * A tensor map as a kernel takes it, in a parameter that is a struct of 128 bytes. For devices of sm_90 and newer.
     *
     * @return {@link TensorMap#BYTES} bytes, which are good for as long as the memory is where it is
     * @throws DriverException of kind OTHER where the device cannot copy such a box
     */
    byte[] encode(TensorMap map);

    /** A stream that does not wait for stream 0. */
    long createStream();

    /** Ends a stream when its work is done. */
    void destroyStream(long stream);

    /** Waits until a stream's work is done; errors of that work come out here. */
    void synchronize(long stream);

    /** An event. @param timing whether {@link #milliseconds} can be asked */
    long createEvent(boolean timing);

    /** Ends an event. */
    void destroyEvent(long event);

    /** Marks this point of a stream. */
    void record(long event, long stream);

    /** The stream's later work waits for the event's last mark. */
    void await(long stream, long event);

    /** The calling thread waits for the event's last mark. */
    void synchronizeEvent(long event);

    /** Time between two marks that have been passed. */
    float milliseconds(long from, long to);

    /**
     * Launches a kernel. Allocates nothing.
     *
     * @param function the kernel
     * @param gridX blocks
     * @param gridY blocks
     * @param gridZ blocks
     * @param blockX threads
     * @param blockY threads
     * @param blockZ threads
     * @param sharedBytes dynamic shared memory
     * @param stream in whose order
     * @param parameters address of an array with, for each parameter, the address of its value; both are read before return
     */
    void launch(long function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, long stream, long parameters);

    /** From now on the stream's work is recorded, not done; allocating, loading and waiting are not allowed meanwhile. */
    void beginCapture(long stream);

    /** Ends the recording. @return an executable graph of it */
    long endCapture(long stream);

    /** Replays a recording, with the parameters it was made with. Allocates nothing. */
    void launchGraph(long graph, long stream);

    /** Ends a graph. */
    void destroyGraph(long graph);

    /** Libraries of the device's maker that compute products and convolutions. Looked for and loaded when first asked for. */
    default MatrixLibraries libraries() {
        return MatrixLibraries.NONE;
    }

    /** Opens a named range for profilers (NVTX); free where none listens. */
    default void pushRange(String name) {}

    /** Closes the innermost range. */
    default void popRange() {}

    /** Ends everything. Later calls fail. */
    @Override
    void close();
}
