package dev.jacquard.tensor.backend;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.tensor.EngineBugException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Linux's system calls for pages of memory, through the C library. Addresses and sizes are multiples of a page where the system wants that. */
@SuppressWarnings("restricted") // downcalls: the JVM is started with --enable-native-access
final class MemoryCalls {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryCalls.class);

    private static final int READ_WRITE = 3;
    private static final int READ_EXECUTE = 5;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int ADVISE_HUGE_PAGES = 14;
    private static final long NONE = -1;

    private static final Optional<MemoryCalls> HERE = find();

    private final MethodHandle mmap;
    private final MethodHandle munmap;
    private final MethodHandle madvise;
    private final MethodHandle mprotect;

    private MemoryCalls(Linker linker, SymbolLookup libc) {
        FunctionDescriptor pages = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG);
        FunctionDescriptor pagesAndNumber = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
        mmap = linker.downcallHandle(libc.findOrThrow("mmap"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        munmap = linker.downcallHandle(libc.findOrThrow("munmap"), pages);
        madvise = linker.downcallHandle(libc.findOrThrow("madvise"), pagesAndNumber);
        mprotect = linker.downcallHandle(libc.findOrThrow("mprotect"), pagesAndNumber);
    }

    private static Optional<MemoryCalls> find() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return Optional.empty();
        }
        try {
            Linker linker = Linker.nativeLinker();
            return Optional.of(new MemoryCalls(linker, linker.defaultLookup()));
        } catch (RuntimeException | Error e) {
            LOG.debug("no system calls for memory: {}", e.toString());
            return Optional.empty();
        }
    }

    /** Those of this system; empty on others than Linux, and where native access is not allowed. */
    static Optional<MemoryCalls> here() {
        return HERE;
    }

    /** New zeroed memory to read and write. @return its address; empty if there is not enough */
    Optional<Long> map(long bytes) {
        try {
            long at = (long) mmap.invokeExact(0L, bytes, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            return at == NONE ? Optional.empty() : Optional.of(at);
        } catch (Throwable t) {
            throw threw(t);
        }
    }

    /** Gives memory back. */
    void unmap(long at, long bytes) {
        try {
            int ignored = (int) munmap.invokeExact(at, bytes);
        } catch (Throwable t) {
            throw threw(t);
        }
    }

    /** An advice: where the system does not take it, pages are small. */
    void adviseHugePages(long at, long bytes) {
        try {
            int ignored = (int) madvise.invokeExact(at, bytes, ADVISE_HUGE_PAGES);
        } catch (Throwable t) {
            throw threw(t);
        }
    }

    /** Makes memory executable, and read-only. @return false if the system does not allow it */
    boolean makeExecutable(long at, long bytes) {
        try {
            return (int) mprotect.invokeExact(at, bytes, READ_EXECUTE) == 0;
        } catch (Throwable t) {
            throw threw(t);
        }
    }

    private static EngineBugException threw(Throwable t) {
        return new EngineBugException("memory", "a system call threw", t.toString(), "a return value", "report this with the stack trace", t);
    }
}
