package dev.jacquard.tensor.backend;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.tensor.EngineBugException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Native memory for numbers. On Linux large pieces are mapped by the system in pages of 2 MiB where it has them ({@code transparent_hugepage} at {@code madvise}): a page fault per
 * 2 MiB instead of one per 4 KiB, and as much less to look up in the processor's tables of pages. Such memory is zeroed when it is first touched, by whoever touches it. Elsewhere,
 * and where it is small, memory is the JDK's.
 */
final class HostMemory {
    private static final Logger LOG = LoggerFactory.getLogger(HostMemory.class);

    private static final long HUGE_PAGE = 2 << 20;
    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int ADVISE_HUGE_PAGES = 14;

    private static final Optional<Mapping> MAPPING = Mapping.find();

    private HostMemory() {}

    /** Zeroed memory, on a cache line at least, that lives as long as its arena. @throws OutOfMemoryError if there is not enough */
    static MemorySegment allocate(long bytes, Arena arena) {
        return bytes < HUGE_PAGE || MAPPING.isEmpty() ? arena.allocate(Math.max(bytes, 1), 64) : MAPPING.get().allocate(bytes, arena);
    }

    /** The system's calls. */
    @SuppressWarnings("restricted") // downcalls and reinterpret: the JVM is started with --enable-native-access
    private record Mapping(MethodHandle mmap, MethodHandle munmap, MethodHandle madvise) {
        static Optional<Mapping> find() {
            if (!System.getProperty("os.name").equals("Linux")) {
                return Optional.empty();
            }
            try {
                Linker linker = Linker.nativeLinker();
                SymbolLookup libc = linker.defaultLookup();
                return Optional.of(new Mapping(
                        linker.downcallHandle(libc.findOrThrow("mmap"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG)),
                        linker.downcallHandle(libc.findOrThrow("munmap"), FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG)),
                        linker.downcallHandle(libc.findOrThrow("madvise"), FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT))));
            } catch (RuntimeException | Error e) {
                LOG.debug("memory comes from the JDK: {}", e.toString());
                return Optional.empty();
            }
        }

        MemorySegment allocate(long bytes, Arena arena) {
            // One page more than asked for, so that a whole one can begin in it.
            long size = bytes + HUGE_PAGE;
            if (size < 0) {
                throw new OutOfMemoryError(bytes + " bytes of native memory");
            }
            try {
                long base = (long) mmap.invokeExact(0L, size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
                if (base == -1) {
                    throw new OutOfMemoryError(bytes + " bytes of native memory");
                }
                long at = (base + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
                // An advice: where the system does not take it, pages are small.
                int ignored = (int) madvise.invokeExact(at, bytes, ADVISE_HUGE_PAGES);
                return MemorySegment.ofAddress(at).reinterpret(bytes, arena, _ -> release(base, size));
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable t) {
                throw threw(t);
            }
        }

        private void release(long base, long size) {
            try {
                int ignored = (int) munmap.invokeExact(base, size);
            } catch (Throwable t) {
                throw threw(t);
            }
        }

        private static EngineBugException threw(Throwable t) {
            return new EngineBugException("host memory", "a system call threw", t.toString(), "a return value", "report this with the stack trace", t);
        }
    }
}
