package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * The program's side of NVTX 3: the profiler's {@code InitializeInjectionNvtx2} is given a function that returns tables by number. One has a function that returns, per
 * module of NVTX, an array of pointers to slots; the profiler writes its functions into the slots that it wants. All is kept for good, as it may come back to them.
 *
 * <p>A class of its own, without work in its initializer: the profiler may call from a thread of its own.
 */
@SuppressWarnings("restricted") // FFM is what this class is for
final class NvtxInjection {
    /** Number of functions in each of NVTX's modules, 0 included, by the module's number: none, core, CUDA, OpenCL, CUDA run time, core 2, synchronization. */
    private static final int[] FUNCTIONS = {0, 16, 9, 15, 7, 16, 7};
    private static final int CORE = 1;
    private static final int RANGE_PUSH_A = 9;
    private static final int RANGE_POP = 11;

    private static final int CALLBACKS = 1;
    private static final int VERSION_INFO = 3;
    private static final int VERSION = 3;

    private static final MemorySegment[] SLOTS = new MemorySegment[FUNCTIONS.length];
    private static final MemorySegment[] TABLES = new MemorySegment[FUNCTIONS.length];
    private static volatile MemorySegment callbacks = MemorySegment.NULL;
    private static volatile MemorySegment versionInfo = MemorySegment.NULL;

    private NvtxInjection() {}

    /** Introduces us. @return false if the profiler refuses @throws java.util.NoSuchElementException if the library is no profiler's */
    static boolean initialize(SymbolLookup profiler) {
        MemorySegment entry = profiler.findOrThrow("InitializeInjectionNvtx2");
        Arena forever = Arena.global();
        for (int m = 1; m < FUNCTIONS.length; m++) {
            SLOTS[m] = forever.allocate(8L * FUNCTIONS[m], 8);
            TABLES[m] = forever.allocate(8L * (FUNCTIONS[m] + 1), 8); // one null behind the last
            for (int f = 1; f < FUNCTIONS[m]; f++) {
                TABLES[m].setAtIndex(JAVA_LONG, f, SLOTS[m].address() + 8L * f);
            }
        }
        callbacks = forever.allocate(16, 8);
        callbacks.set(JAVA_LONG, 0, callbacks.byteSize());
        callbacks.set(ADDRESS, 8, stub("moduleTable", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG)));
        versionInfo = forever.allocate(24, 8);
        versionInfo.set(JAVA_LONG, 0, versionInfo.byteSize());
        versionInfo.set(JAVA_INT, 8, VERSION);
        versionInfo.set(ADDRESS, 16, stub("profilersVersion", FunctionDescriptor.ofVoid(JAVA_INT)));
        MethodHandle initialize = Linker.nativeLinker().downcallHandle(entry, FunctionDescriptor.of(JAVA_INT, ADDRESS));
        try {
            return (int) initialize.invokeExact(stub("exportTable", FunctionDescriptor.of(JAVA_LONG, JAVA_INT))) != 0;
        } catch (Throwable t) {
            throw new AssertionError("InitializeInjectionNvtx2 threw", t);
        }
    }

    /** The profiler's functions; null if it has not asked for ranges. */
    static Nvtx.Functions functions() {
        MemorySegment push = SLOTS[CORE].getAtIndex(ADDRESS, RANGE_PUSH_A);
        MemorySegment pop = SLOTS[CORE].getAtIndex(ADDRESS, RANGE_POP);
        return push.address() == 0 || pop.address() == 0 ? null : new Nvtx.Functions(push, pop);
    }

    private static MemorySegment stub(String method, FunctionDescriptor shape) {
        try {
            MethodType type = shape.toMethodType();
            return Linker.nativeLinker().upcallStub(MethodHandles.lookup().findStatic(NvtxInjection.class, method, type), shape, Arena.global());
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    // What the profiler calls. An exception out of these would end the process: they cannot throw.

    private static long exportTable(int id) {
        return id == CALLBACKS ? callbacks.address() : id == VERSION_INFO ? versionInfo.address() : 0;
    }

    private static int moduleTable(int module, long table, long size) {
        if (module < 1 || module >= FUNCTIONS.length) {
            return 0;
        }
        if (table != 0) {
            MemorySegment.ofAddress(table).reinterpret(8).set(JAVA_LONG, 0, TABLES[module].address());
        }
        if (size != 0) {
            MemorySegment.ofAddress(size).reinterpret(4).set(JAVA_INT, 0, FUNCTIONS[module]);
        }
        return 1;
    }

    private static void profilersVersion(int version) {
        // For programs that know of bad profilers; we know of none.
    }
}
