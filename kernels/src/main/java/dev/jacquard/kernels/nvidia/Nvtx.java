package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.NoSuchElementException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Named ranges for profilers. NVTX 3 is a header without a library: a profiler (nsys, ncu) names its own library in the environment, and whoever has ranges to tell loads
 * that ({@link NvtxInjection}). Where it refuses, NVTX 2's library is tried. Without a profiler there is one constant false.
 */
@SuppressWarnings("restricted") // FFM is what this class is for
final class Nvtx {
    /** Whether a profiler listens. */
    static final boolean ENABLED;

    private static final Logger LOG = LoggerFactory.getLogger(Nvtx.class);
    private static final String PROFILER = "NVTX_INJECTION64_PATH";
    private static final MethodHandle PUSH;
    private static final MethodHandle POP;

    static {
        Functions found = connect(System.getenv(PROFILER));
        ENABLED = found != null;
        PUSH = ENABLED ? Linker.nativeLinker().downcallHandle(found.push, FunctionDescriptor.of(JAVA_INT, ADDRESS)) : null;
        POP = ENABLED ? Linker.nativeLinker().downcallHandle(found.pop, FunctionDescriptor.of(JAVA_INT)) : null;
    }

    /** {@code nvtxRangePushA} and {@code nvtxRangePop}. */
    record Functions(MemorySegment push, MemorySegment pop) {}

    private Nvtx() {}

    /** Opens a range in the calling thread; nothing unless {@link #ENABLED}. */
    static void push(String name) {
        if (ENABLED) {
            try (Arena arena = Arena.ofConfined()) {
                int level = (int) PUSH.invokeExact(arena.allocateFrom(name));
            } catch (Throwable t) {
                throw new AssertionError("nvtxRangePushA threw", t);
            }
        }
    }

    /** Closes the innermost range of the calling thread. */
    static void pop() {
        if (ENABLED) {
            try {
                int level = (int) POP.invokeExact();
            } catch (Throwable t) {
                throw new AssertionError("nvtxRangePop threw", t);
            }
        }
    }

    /** A profiler that cannot be reached costs a warning, never the run. */
    private static Functions connect(String library) {
        if (library == null || library.isBlank()) {
            return null;
        }
        try {
            SymbolLookup profiler = SymbolLookup.libraryLookup(Path.of(library), Arena.global());
            if (NvtxInjection.initialize(profiler)) {
                return NvtxInjection.functions();
            }
            SymbolLookup two = SymbolLookup.libraryLookup("libnvToolsExt.so.1", Arena.global());
            return new Functions(two.findOrThrow("nvtxRangePushA"), two.findOrThrow("nvtxRangePop"));
        } catch (IllegalArgumentException | IllegalCallerException | NoSuchElementException e) {
            LOG.warn("no ranges for the profiler: {}={} does not work: {}", PROFILER, library, e.getMessage());
            return null;
        }
    }
}
