package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code libcuda.so.1}: the functions that are called through FFM, each by the name that the driver's ABI has kept since the version in its suffix. Results are CUresult
 * numbers; {@link CudaErrors} knows them.
 *
 * <p>A call's shape is a static final handle, linked when first used, and the function is its first argument, a field. So the start costs some milliseconds per shape and not
 * per function, a call is a direct one, and a test can have its own library. Handles and addresses are longs: then few shapes serve all functions, and nothing is allocated.
 */
@SuppressWarnings("restricted") // FFM is what this class is for
final class CudaLibrary {
    /** What JCuda calls for us. It is bound lazily: without this look-up a missing one would end the process at its first call. */
    private static final List<String> CALLED_BY_JCUDA = List.of("cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2", "cuMemAlloc_v2", "cuMemGetInfo_v2",
            "cuModuleLoadDataEx", "cuStreamCreate", "cuEventCreate");

    private final List<String> missing = new ArrayList<>();
    private final SymbolLookup symbols;
    private final MemorySegment init;
    private final MemorySegment driverVersion;
    private final MemorySegment deviceCount;
    private final MemorySegment device;
    private final MemorySegment deviceName;
    private final MemorySegment deviceAttribute;
    private final MemorySegment deviceMemory;
    private final MemorySegment setContext;
    private final MemorySegment free;
    private final MemorySegment allocateHost;
    private final MemorySegment freeHost;
    private final MemorySegment toDevice;
    private final MemorySegment toHost;
    private final MemorySegment copy;
    private final MemorySegment fill;
    private final MemorySegment unloadModule;
    private final MemorySegment function;
    private final MemorySegment functionAttribute;
    private final MemorySegment setFunctionAttribute;
    private final MemorySegment encodeTiled;
    private final MemorySegment destroyStream;
    private final MemorySegment synchronizeStream;
    private final MemorySegment destroyEvent;
    private final MemorySegment recordEvent;
    private final MemorySegment awaitEvent;
    private final MemorySegment synchronizeEvent;
    private final MemorySegment elapsedTime;
    private final MemorySegment launch;
    private final MemorySegment beginCapture;
    private final MemorySegment endCapture;
    private final MemorySegment instantiate;
    private final MemorySegment launchGraph;
    private final MemorySegment destroyGraph;
    private final MemorySegment destroyGraphExec;

    /** Looks all functions up. {@link #missing} names those that are not there; calling one of them is an error of ours. */
    CudaLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
        init = symbol("cuInit");
        driverVersion = symbol("cuDriverGetVersion");
        deviceCount = symbol("cuDeviceGetCount");
        device = symbol("cuDeviceGet");
        deviceName = symbol("cuDeviceGetName");
        deviceAttribute = symbol("cuDeviceGetAttribute");
        deviceMemory = symbol("cuDeviceTotalMem_v2");
        setContext = symbol("cuCtxSetCurrent");
        free = symbol("cuMemFree_v2");
        allocateHost = symbol("cuMemHostAlloc");
        freeHost = symbol("cuMemFreeHost");
        toDevice = symbol("cuMemcpyHtoDAsync_v2");
        toHost = symbol("cuMemcpyDtoHAsync_v2");
        copy = symbol("cuMemcpyDtoDAsync_v2");
        fill = symbol("cuMemsetD8Async");
        unloadModule = symbol("cuModuleUnload");
        function = symbol("cuModuleGetFunction");
        functionAttribute = symbol("cuFuncGetAttribute");
        setFunctionAttribute = symbol("cuFuncSetAttribute");
        encodeTiled = symbol("cuTensorMapEncodeTiled");
        destroyStream = symbol("cuStreamDestroy_v2");
        synchronizeStream = symbol("cuStreamSynchronize");
        destroyEvent = symbol("cuEventDestroy_v2");
        recordEvent = symbol("cuEventRecord");
        awaitEvent = symbol("cuStreamWaitEvent");
        synchronizeEvent = symbol("cuEventSynchronize");
        elapsedTime = symbol("cuEventElapsedTime");
        launch = symbol("cuLaunchKernel");
        beginCapture = symbol("cuStreamBeginCapture_v2");
        endCapture = symbol("cuStreamEndCapture");
        instantiate = symbol("cuGraphInstantiateWithFlags");
        launchGraph = symbol("cuGraphLaunch");
        destroyGraph = symbol("cuGraphDestroy");
        destroyGraphExec = symbol("cuGraphExecDestroy");
        CALLED_BY_JCUDA.forEach(this::symbol);
    }

    /** Loads a library into the process, for good. @param file a path or a name @throws IllegalArgumentException if the system's loader does not load it */
    static CudaLibrary open(String file) {
        return new CudaLibrary(file.contains("/") ? SymbolLookup.libraryLookup(java.nio.file.Path.of(file), Arena.global()) : SymbolLookup.libraryLookup(file, Arena.global()));
    }

    private MemorySegment symbol(String name) {
        return symbols.find(name).orElseGet(() -> {
            missing.add(name);
            return MemorySegment.NULL;
        });
    }

    /** Functions that the library lacks. */
    List<String> missing() {
        return missing;
    }

    private static MethodHandle shape(MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /** A checked exception out of a handle would be a mistake in its shape. */
    private static AssertionError impossible(Throwable t) {
        return new AssertionError("a call of libcuda.so.1 threw", t);
    }

    private static final class I {
        static final MethodHandle CALL = shape(JAVA_INT);
    }

    private static final class J {
        static final MethodHandle CALL = shape(JAVA_LONG);
    }

    private static final class JJ {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_LONG);
    }

    private static final class JI {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_INT);
    }

    private static final class JII {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_INT, JAVA_INT);
    }

    private static final class JIJ {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_INT, JAVA_LONG);
    }

    private static final class JJI {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_LONG, JAVA_INT);
    }

    private static final class JJJ {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_LONG, JAVA_LONG);
    }

    private static final class JJJJ {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    }

    private static final class JBJJ {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_BYTE, JAVA_LONG, JAVA_LONG);
    }

    private static final class Launch {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    }

    private static final class EncodeTiled {
        static final MethodHandle CALL = shape(JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    }

    private static int i(MemorySegment f, int a) {
        try {
            return (int) I.CALL.invokeExact(f, a);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int j(MemorySegment f, long a) {
        try {
            return (int) J.CALL.invokeExact(f, a);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int jj(MemorySegment f, long a, long b) {
        try {
            return (int) JJ.CALL.invokeExact(f, a, b);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int ji(MemorySegment f, long a, int b) {
        try {
            return (int) JI.CALL.invokeExact(f, a, b);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int jii(MemorySegment f, long a, int b, int c) {
        try {
            return (int) JII.CALL.invokeExact(f, a, b, c);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int jij(MemorySegment f, long a, int b, long c) {
        try {
            return (int) JIJ.CALL.invokeExact(f, a, b, c);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int jji(MemorySegment f, long a, long b, int c) {
        try {
            return (int) JJI.CALL.invokeExact(f, a, b, c);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int jjj(MemorySegment f, long a, long b, long c) {
        try {
            return (int) JJJ.CALL.invokeExact(f, a, b, c);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    private static int jjjj(MemorySegment f, long a, long b, long c, long d) {
        try {
            return (int) JJJJ.CALL.invokeExact(f, a, b, c, d);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    // The functions, named as in cuda.h. Pointers to results are addresses of native memory.

    int cuInit() {
        return i(init, 0);
    }

    int cuDriverGetVersion(long version) {
        return j(driverVersion, version);
    }

    int cuDeviceGetCount(long count) {
        return j(deviceCount, count);
    }

    int cuDeviceGet(long handle, int ordinal) {
        return ji(device, handle, ordinal);
    }

    int cuDeviceGetName(long text, int bytes, int handle) {
        return jii(deviceName, text, bytes, handle);
    }

    int cuDeviceGetAttribute(long value, int attribute, int handle) {
        return jii(deviceAttribute, value, attribute, handle);
    }

    int cuDeviceTotalMem(long bytes, int handle) {
        return ji(deviceMemory, bytes, handle);
    }

    int cuCtxSetCurrent(long context) {
        return j(setContext, context);
    }

    int cuMemFree(long address) {
        return j(free, address);
    }

    int cuMemHostAlloc(long address, long bytes, int flags) {
        return jji(allocateHost, address, bytes, flags);
    }

    int cuMemFreeHost(long address) {
        return j(freeHost, address);
    }

    int cuMemcpyHtoDAsync(long to, long from, long bytes, long stream) {
        return jjjj(toDevice, to, from, bytes, stream);
    }

    int cuMemcpyDtoHAsync(long to, long from, long bytes, long stream) {
        return jjjj(toHost, to, from, bytes, stream);
    }

    int cuMemcpyDtoDAsync(long to, long from, long bytes, long stream) {
        return jjjj(copy, to, from, bytes, stream);
    }

    int cuMemsetD8Async(long at, byte value, long bytes, long stream) {
        try {
            return (int) JBJJ.CALL.invokeExact(fill, at, value, bytes, stream);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    int cuModuleUnload(long module) {
        return j(unloadModule, module);
    }

    int cuModuleGetFunction(long handle, long module, long name) {
        return jjj(function, handle, module, name);
    }

    int cuFuncGetAttribute(long value, int attribute, long handle) {
        return jij(functionAttribute, value, attribute, handle);
    }

    int cuFuncSetAttribute(long handle, int attribute, int value) {
        return jii(setFunctionAttribute, handle, attribute, value);
    }

    /** Without interleaving, zeros outside. */
    int cuTensorMapEncodeTiled(long map, int type, int rank, long address, long sizes, long strides, long box, long steps, int swizzle, int promotion) {
        try {
            return (int) EncodeTiled.CALL.invokeExact(encodeTiled, map, type, rank, address, sizes, strides, box, steps, 0, swizzle, promotion, 0);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    int cuStreamDestroy(long stream) {
        return j(destroyStream, stream);
    }

    int cuStreamSynchronize(long stream) {
        return j(synchronizeStream, stream);
    }

    int cuEventDestroy(long event) {
        return j(destroyEvent, event);
    }

    int cuEventRecord(long event, long stream) {
        return jj(recordEvent, event, stream);
    }

    int cuStreamWaitEvent(long stream, long event) {
        return jji(awaitEvent, stream, event, 0);
    }

    int cuEventSynchronize(long event) {
        return j(synchronizeEvent, event);
    }

    int cuEventElapsedTime(long milliseconds, long from, long to) {
        return jjj(elapsedTime, milliseconds, from, to);
    }

    int cuLaunchKernel(long f, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, long stream, long parameters) {
        try {
            return (int) Launch.CALL.invokeExact(launch, f, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, parameters, 0L);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    int cuStreamBeginCapture(long stream, int mode) {
        return ji(beginCapture, stream, mode);
    }

    int cuStreamEndCapture(long stream, long graph) {
        return jj(endCapture, stream, graph);
    }

    int cuGraphInstantiate(long executable, long graph) {
        return jjj(instantiate, executable, graph, 0);
    }

    int cuGraphLaunch(long executable, long stream) {
        return jj(launchGraph, executable, stream);
    }

    int cuGraphDestroy(long graph) {
        return j(destroyGraph, graph);
    }

    int cuGraphExecDestroy(long executable) {
        return j(destroyGraphExec, executable);
    }
}
