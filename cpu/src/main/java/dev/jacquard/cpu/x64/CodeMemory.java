package dev.jacquard.cpu.x64;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.tensor.EngineBugException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Memory for machine code that is never writable and executable at once: pages are mapped writable, filled, and made executable and read-only. Linux on x86-64 only. It stays until
 * the process ends: kernels are some KiB each and shared by all plans that need the same one.
 */
@SuppressWarnings("restricted") // downcalls: the JVM is started with --enable-native-access
final class CodeMemory {
    /** System property {@code true}: behave as on a system that refuses executable mappings, for tests. */
    static final String REFUSE = "jacquard.cpu.refuse-code";

    private static final int PAGE = 4096;
    private static final int READ_WRITE = 3;
    private static final int READ_EXECUTE = 5;
    private static final int PRIVATE_ANONYMOUS = 0x22;

    /** No emitted code can run here; the message says why. */
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;

        Refused(String why) {
            super(why, null, false, false);
        }
    }

    private record System3(MethodHandle mmap, MethodHandle mprotect, MethodHandle munmap) {
        static final System3 CALLS = find();

        private static System3 find() {
            Linker linker = Linker.nativeLinker();
            SymbolLookup libc = linker.defaultLookup();
            return new System3(
                    linker.downcallHandle(libc.findOrThrow("mmap"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG)),
                    linker.downcallHandle(libc.findOrThrow("mprotect"), FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT)),
                    linker.downcallHandle(libc.findOrThrow("munmap"), FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG)));
        }
    }

    private CodeMemory() {}

    /** Puts code where it can run. @return its entry @throws Refused if the machine is another one or the system forbids it */
    static MemorySegment place(byte[] code) {
        requireHere();
        long size = (code.length + PAGE - 1L) / PAGE * PAGE;
        try {
            long at = (long) System3.CALLS.mmap.invokeExact(0L, size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            if (at == -1) {
                throw new Refused("the system gives no memory for code");
            }
            MemorySegment.ofAddress(at).reinterpret(size).copyFrom(MemorySegment.ofArray(code));
            if ((int) System3.CALLS.mprotect.invokeExact(at, size, READ_EXECUTE) != 0) {
                int ignored = (int) System3.CALLS.munmap.invokeExact(at, size);
                throw new Refused("the system forbids executable memory");
            }
            return MemorySegment.ofAddress(at);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new EngineBugException("code memory", "a system call threw", e.toString(), "a return value", "report this with the stack trace", e);
        }
    }

    private static void requireHere() {
        String os = System.getProperty("os.name");
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        if (!os.equals("Linux") || !arch.equals("amd64") && !arch.equals("x86_64")) {
            throw new Refused("code is emitted for Linux on x86-64 only, this is " + os + " on " + arch);
        }
        if (Boolean.getBoolean(REFUSE)) {
            throw new Refused("executable memory is refused by -D" + REFUSE);
        }
    }
}
