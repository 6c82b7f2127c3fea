package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import dev.jacquard.kernels.driver.FunctionInfo;
import dev.jacquard.kernels.driver.MatrixLibraries;
import dev.jacquard.kernels.driver.TensorMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import jcuda.Pointer;
import jcuda.driver.CUdevice;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import jcuda.driver.JITOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device of NVIDIA's driver, through its primary context, which other users of CUDA in the process share. What makes things is JCuda's, what uses them FFM's
 * ({@link CudaLibrary}): JCuda's handle objects cannot be made of a number, and cost half a microsecond each.
 *
 * <p>Each calling thread gets the context as its current one at its first call, and again when another device of ours was used in between. Other code that changes a
 * thread's context must restore it.
 */
public final class NvidiaDriver implements Driver {
    private static final Logger LOG = LoggerFactory.getLogger(NvidiaDriver.class);
    private static final AtomicLong IDS = new AtomicLong();
    private static final int LOG_BYTES = 16 * 1024;
    private static final int STAGING_BYTES = 4 << 20;

    /** The {@link #id} of the driver whose context is the thread's current one. An array, so that asking allocates nothing. */
    private static final ThreadLocal<long[]> CURRENT = ThreadLocal.withInitial(() -> new long[1]);

    private final long id = IDS.incrementAndGet();
    private final CudaLibrary cuda;
    private final DeviceInfo info;
    private final CUdevice device = new CUdevice();
    private final long context;
    private final NvidiaLibraries libraries;

    /** Kernels' names for messages, by handle. */
    private final Map<Long, String> names = new ConcurrentHashMap<>();

    /** First and last address of each pinned block, in turn; replaced, never changed. */
    private volatile long[] pinned = {};

    /** Why nothing works any more: closed, or the first sticky error. */
    private volatile DriverException over;

    /**
     * Opens the first device that is new enough.
     *
     * @throws DriverException of kind UNAVAILABLE, TOO_OLD or NOT_FOUND, with what to do
     */
    public static NvidiaDriver open() {
        return open(Probe.here().best());
    }

    /**
     * Opens a device.
     *
     * @param ordinal its number as the driver counts, from 0
     * @throws DriverException of kind UNAVAILABLE, TOO_OLD or NOT_FOUND, with what to do
     */
    public static NvidiaDriver open(int ordinal) {
        Probe probe = Probe.here();
        if (probe.failure() != null) {
            throw probe.again();
        }
        if (ordinal < 0 || ordinal >= probe.devices().size()) {
            throw new DriverException(Kind.UNAVAILABLE, "there is no device " + ordinal + ": the driver shows " + probe.devices().size() + ", counted from 0");
        }
        DeviceInfo info = probe.devices().get(ordinal);
        if (info.capability() < Probe.OLDEST_CAPABILITY) {
            throw new DriverException(Kind.TOO_OLD, "device " + ordinal + ", " + info.name() + ", has sm_" + info.capability() + ", sm_" + Probe.OLDEST_CAPABILITY
                    + " or newer is needed");
        }
        Natives.load();
        return new NvidiaDriver(probe.library(), info, ordinal);
    }

    private NvidiaDriver(CudaLibrary cuda, DeviceInfo info, int ordinal) {
        this.cuda = cuda;
        this.info = info;
        check("cuInit", JCudaDriver.cuInit(0));
        check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, ordinal));
        Handles.Context made = new Handles.Context();
        check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(made, device));
        context = made.number();
        libraries = new NvidiaLibraries(this::ready, info.driverVersion());
        LOG.debug("opened device {}: {}", ordinal, info);
    }

    /** Before each call: the thread's current context must be ours. Two reads where it is. */
    private void ready() {
        DriverException why = over;
        if (why != null) {
            throw new DriverException(why.kind(), why.getMessage(), why);
        }
        long[] current = CURRENT.get();
        // A virtual thread's carrier, which the driver sees, may have changed since the last call.
        if (current[0] != id || Thread.currentThread().isVirtual()) {
            check("cuCtxSetCurrent", cuda.cuCtxSetCurrent(context));
            current[0] = id;
        }
    }

    /** After a sticky error there is nothing left to free; a failure to do so would only hide the error. */
    private boolean lost() {
        DriverException why = over;
        return why != null && why.kind().sticky();
    }

    private void check(String call, int code) {
        if (code != 0) {
            throw failed(call, code, "");
        }
    }

    private DriverException failed(String call, int code, String detail) {
        DriverException e = CudaErrors.of(call, code, detail);
        if (e.kind().sticky() && over == null) {
            over = e;
        }
        return e;
    }

    @Override
    public DeviceInfo device() {
        return info;
    }

    @Override
    public MatrixLibraries libraries() {
        return libraries;
    }

    @Override
    public long allocate(long bytes) {
        ready();
        Handles.Memory made = new Handles.Memory();
        int code = JCudaDriver.cuMemAlloc(made, bytes);
        if (code != 0) {
            throw failed("cuMemAlloc", code, bytes + " bytes" + (CudaErrors.kind(code) == Kind.OUT_OF_MEMORY ? " asked for, " + freeMemoryOrNone() + " of " + info.memoryBytes()
                    + " free" : ""));
        }
        return made.number();
    }

    @Override
    public void free(long address) {
        if (lost()) {
            return;
        }
        ready();
        check("cuMemFree", cuda.cuMemFree(address));
    }

    @Override
    public long freeMemory() {
        ready();
        long[] free = new long[1];
        check("cuMemGetInfo", JCudaDriver.cuMemGetInfo(free, new long[1]));
        return free[0];
    }

    /** For messages, where a second failure would hide the first. */
    private long freeMemoryOrNone() {
        long[] free = new long[1];
        return JCudaDriver.cuMemGetInfo(free, new long[1]) == 0 ? free[0] : 0;
    }

    @Override
    @SuppressWarnings("restricted") // the driver says how long the memory is
    public MemorySegment allocatePinned(long bytes) {
        ready();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            int code = cuda.cuMemHostAlloc(out.address(), bytes, JCudaDriver.CU_MEMHOSTALLOC_PORTABLE);
            if (code != 0) {
                throw failed("cuMemHostAlloc", code, bytes + " bytes of page-locked host memory; ulimit -l may be the limit");
            }
            long address = out.get(JAVA_LONG, 0);
            synchronized (this) {
                long[] more = Arrays.copyOf(pinned, pinned.length + 2);
                more[more.length - 2] = address;
                more[more.length - 1] = address + bytes - 1;
                pinned = more;
            }
            return MemorySegment.ofAddress(address).reinterpret(bytes);
        }
    }

    @Override
    public void freePinned(MemorySegment memory) {
        if (lost()) {
            return;
        }
        ready();
        long address = memory.address();
        synchronized (this) {
            long[] all = pinned;
            int at = 0;
            while (at < all.length && all[at] != address) {
                at += 2;
            }
            if (at == all.length) {
                throw new DriverException(Kind.OTHER, "freePinned: 0x" + Long.toHexString(address) + " is no address that allocatePinned gave");
            }
            long[] less = Arrays.copyOf(all, all.length - 2);
            System.arraycopy(all, at + 2, less, at, less.length - at);
            pinned = less;
        }
        check("cuMemFreeHost", cuda.cuMemFreeHost(address));
    }

    private boolean isPinned(MemorySegment memory) {
        long[] all = pinned;
        long first = memory.address();
        for (int i = 0; i < all.length; i += 2) {
            if (all[i] <= first && first + memory.byteSize() - 1 <= all[i + 1]) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void copyToDevice(long to, MemorySegment from, long stream) {
        ready();
        if (from.byteSize() > 0 && from.isNative()) {
            check("cuMemcpyHtoDAsync", cuda.cuMemcpyHtoDAsync(to, from.address(), from.byteSize(), stream));
            // The driver promises to have read pageable memory at return, but not where the device reads it in place (HMM, Grace).
            if (!isPinned(from)) {
                check("cuStreamSynchronize", cuda.cuStreamSynchronize(stream));
            }
        } else {
            staged(from, (stage, offset) -> {
                stage.copyFrom(from.asSlice(offset, stage.byteSize()));
                check("cuMemcpyHtoDAsync", cuda.cuMemcpyHtoDAsync(to + offset, stage.address(), stage.byteSize(), stream));
                check("cuStreamSynchronize", cuda.cuStreamSynchronize(stream));
            });
        }
    }

    @Override
    public void copyToHost(MemorySegment to, long from, long stream) {
        ready();
        if (to.byteSize() > 0 && to.isNative()) {
            check("cuMemcpyDtoHAsync", cuda.cuMemcpyDtoHAsync(to.address(), from, to.byteSize(), stream));
            if (!isPinned(to)) {
                check("cuStreamSynchronize", cuda.cuStreamSynchronize(stream));
            }
        } else {
            staged(to, (stage, offset) -> {
                check("cuMemcpyDtoHAsync", cuda.cuMemcpyDtoHAsync(stage.address(), from + offset, stage.byteSize(), stream));
                check("cuStreamSynchronize", cuda.cuStreamSynchronize(stream));
                to.asSlice(offset, stage.byteSize()).copyFrom(stage);
            });
        }
    }

    private interface Piece {
        void copy(MemorySegment stage, long offset);
    }

    /** Heap memory has no address: it goes through native memory, piece by piece. */
    private static void staged(MemorySegment heap, Piece piece) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stage = arena.allocate(Math.min(heap.byteSize(), STAGING_BYTES), 64);
            for (long at = 0; at < heap.byteSize(); at += STAGING_BYTES) {
                piece.copy(stage.asSlice(0, Math.min(STAGING_BYTES, heap.byteSize() - at)), at);
            }
        }
    }

    @Override
    public void copy(long to, long from, long bytes, long stream) {
        ready();
        if (bytes > 0) { // a captured graph has no node for nothing
            check("cuMemcpyDtoDAsync", cuda.cuMemcpyDtoDAsync(to, from, bytes, stream));
        }
    }

    @Override
    public void fill(long at, byte value, long bytes, long stream) {
        ready();
        if (bytes > 0) {
            check("cuMemsetD8Async", cuda.cuMemsetD8Async(at, value, bytes, stream));
        }
    }

    @Override
    public long loadModule(String name, byte[] ptx) {
        ready();
        JITOptions options = new JITOptions();
        options.putInt(CUjit_option.CU_JIT_LOG_VERBOSE, 1);
        options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[LOG_BYTES]);
        options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
        options.putBytes(CUjit_option.CU_JIT_INFO_LOG_BUFFER, new byte[LOG_BYTES]);
        options.putInt(CUjit_option.CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
        Handles.Module made = new Handles.Module();
        // The driver takes text up to its first null byte.
        int code = JCudaDriver.cuModuleLoadDataJIT(made, Pointer.to(Arrays.copyOf(ptx, ptx.length + 1)), options);
        if (code != 0) {
            String log = log(options, CUjit_option.CU_JIT_ERROR_LOG_BUFFER);
            throw failed("cuModuleLoadDataEx", code, "module " + name + (log.isEmpty() ? "" : ": " + log));
        }
        LOG.debug("module {}: {}", name, log(options, CUjit_option.CU_JIT_INFO_LOG_BUFFER));
        return made.number();
    }

    /** The compiler's log in one line. */
    private static String log(JITOptions options, int which) {
        byte[] text = options.getBytes(which);
        int end = 0;
        while (end < text.length && text[end] != 0) {
            end++;
        }
        return new String(text, 0, end, StandardCharsets.UTF_8).lines().map(String::strip).filter(l -> !l.isEmpty()).collect(Collectors.joining(" | "));
    }

    @Override
    public void unloadModule(long module) {
        if (lost()) {
            return;
        }
        ready();
        check("cuModuleUnload", cuda.cuModuleUnload(module));
    }

    @Override
    public long function(long module, String name) {
        ready();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            int code = cuda.cuModuleGetFunction(out.address(), module, arena.allocateFrom(name).address());
            if (code != 0) {
                throw failed("cuModuleGetFunction", code, "kernel " + name);
            }
            long function = out.get(JAVA_LONG, 0);
            names.put(function, name);
            // Modules are loaded lazily, kernel by kernel; asking for an attribute loads it now, not in the midst of a capture, where loading is not allowed.
            attribute(out, CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS, function);
            return function;
        }
    }

    private int attribute(MemorySegment out, int attribute, long function) {
        int code = cuda.cuFuncGetAttribute(out.address(), attribute, function);
        if (code != 0) {
            throw failed("cuFuncGetAttribute", code, "kernel " + names.get(function));
        }
        return out.get(JAVA_INT, 0);
    }

    @Override
    public FunctionInfo info(long function) {
        ready();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            return new FunctionInfo(attribute(out, CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS, function),
                    attribute(out, CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function),
                    attribute(out, CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, function),
                    attribute(out, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function));
        }
    }

    @Override
    public void maxDynamicShared(long function, int bytes) {
        ready();
        int code = cuda.cuFuncSetAttribute(function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
        if (code != 0) {
            throw failed("cuFuncSetAttribute", code, "kernel " + names.get(function) + ", " + bytes + " bytes of shared memory; the device allows " + info.sharedBytesPerBlock());
        }
    }

    @Override
    public byte[] encode(TensorMap map) {
        ready();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment made = arena.allocate(TensorMap.BYTES, TensorMap.ALIGNMENT);
            // What lies outside is zero in every type, and nothing is added: integers of the size will do. Copies into L2 are of 256 bytes where lines are read one after the
            // other.
            int type = switch (map.elementBytes()) {
                case 1 -> 0; // CU_TENSOR_MAP_DATA_TYPE_UINT8
                case 2 -> 1; // UINT16
                case 4 -> 2; // UINT32
                default -> 4; // UINT64
            };
            int promotion = 3; // CU_TENSOR_MAP_L2_PROMOTION_L2_256B
            int code = cuda.cuTensorMapEncodeTiled(made.address(), type, map.sizes().size(), map.base(), longs(arena, map.sizes()), longs(arena, map.strides()),
            ints(arena, map.box()), ints(arena, map.steps()),
                    map.swizzle().ordinal(), promotion); // in the order of CUtensorMapSwizzle
            if (code != 0) {
                throw failed("cuTensorMapEncodeTiled", code, map.toString());
            }
            return made.toArray(JAVA_BYTE);
        }
    }

    private static long longs(Arena arena, List<Long> values) {
        return arena.allocateFrom(JAVA_LONG, values.stream().mapToLong(Long::longValue).toArray()).address();
    }

    private static long ints(Arena arena, List<Integer> values) {
        return arena.allocateFrom(JAVA_INT, values.stream().mapToInt(Integer::intValue).toArray()).address();
    }

    @Override
    public long createStream() {
        ready();
        Handles.Stream made = new Handles.Stream();
        check("cuStreamCreate", JCudaDriver.cuStreamCreate(made, CUstream_flags.CU_STREAM_NON_BLOCKING));
        return made.number();
    }

    @Override
    public void destroyStream(long stream) {
        if (lost()) {
            return;
        }
        ready();
        check("cuStreamDestroy", cuda.cuStreamDestroy(stream));
    }

    @Override
    public void synchronize(long stream) {
        ready();
        check("cuStreamSynchronize", cuda.cuStreamSynchronize(stream));
    }

    @Override
    public long createEvent(boolean timing) {
        ready();
        Handles.Event made = new Handles.Event();
        check("cuEventCreate", JCudaDriver.cuEventCreate(made, timing ? CUevent_flags.CU_EVENT_DEFAULT : CUevent_flags.CU_EVENT_DISABLE_TIMING));
        return made.number();
    }

    @Override
    public void destroyEvent(long event) {
        if (lost()) {
            return;
        }
        ready();
        check("cuEventDestroy", cuda.cuEventDestroy(event));
    }

    @Override
    public void record(long event, long stream) {
        ready();
        check("cuEventRecord", cuda.cuEventRecord(event, stream));
    }

    @Override
    public void await(long stream, long event) {
        ready();
        check("cuStreamWaitEvent", cuda.cuStreamWaitEvent(stream, event));
    }

    @Override
    public void synchronizeEvent(long event) {
        ready();
        check("cuEventSynchronize", cuda.cuEventSynchronize(event));
    }

    @Override
    public float milliseconds(long from, long to) {
        ready();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_FLOAT);
            check("cuEventElapsedTime", cuda.cuEventElapsedTime(out.address(), from, to));
            return out.get(JAVA_FLOAT, 0);
        }
    }

    @Override
    public void launch(long function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, long stream, long parameters) {
        ready();
        int code = cuda.cuLaunchKernel(function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, parameters);
        if (code != 0) {
            throw failed("cuLaunchKernel", code, "kernel %s, grid %d x %d x %d, block %d x %d x %d, %d bytes of dynamic shared memory"
                    .formatted(names.get(function), gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes));
        }
    }

    @Override
    public void beginCapture(long stream) {
        ready();
        // Thread-local: what other threads allocate meanwhile, such as the loader's staging, does not spoil the capture.
        check("cuStreamBeginCapture", cuda.cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    }

    @Override
    public long endCapture(long stream) {
        ready();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            check("cuStreamEndCapture", cuda.cuStreamEndCapture(stream, out.address()));
            long graph = out.get(JAVA_LONG, 0);
            int code = cuda.cuGraphInstantiate(out.address(), graph);
            long executable = out.get(JAVA_LONG, 0);
            check("cuGraphDestroy", cuda.cuGraphDestroy(graph));
            check("cuGraphInstantiateWithFlags", code);
            return executable;
        }
    }

    @Override
    public void launchGraph(long graph, long stream) {
        ready();
        check("cuGraphLaunch", cuda.cuGraphLaunch(graph, stream));
    }

    @Override
    public void destroyGraph(long graph) {
        if (lost()) {
            return;
        }
        ready();
        check("cuGraphExecDestroy", cuda.cuGraphExecDestroy(graph));
    }

    @Override
    public void pushRange(String name) {
        Nvtx.push(name);
    }

    @Override
    public void popRange() {
        Nvtx.pop();
    }

    /** Gives the primary context back; the driver frees what is left in it when nobody else holds it. Closing twice, or after a sticky error, is fine. */
    @Override
    public synchronized void close() {
        if (over == null || over.kind().sticky()) {
            if (over == null) { // after a sticky error the libraries' handles are gone with the context
                ready();
                libraries.close();
            }
            over = new DriverException(Kind.OTHER, "the device has been closed");
            int code = JCudaDriver.cuDevicePrimaryCtxRelease(device);
            if (code != 0) {
                LOG.debug("cuDevicePrimaryCtxRelease: {} ({})", CudaErrors.name(code), code);
            }
        }
    }
}
