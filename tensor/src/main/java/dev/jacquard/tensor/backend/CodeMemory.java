package dev.jacquard.tensor.backend;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;

/**
 * Memory for machine code that is never writable and executable at once: pages are mapped writable, filled, and made executable and read-only. Linux on x86-64 only. It stays until
 * the process ends: what is emitted, kernels of some KiB each, is shared by all that need the same.
 */
public final class CodeMemory {
    /** System property {@code true}: behave as on a system that refuses executable mappings, for tests. */
    static final String REFUSE = "jacquard.cpu.refuse-code";

    private static final int PAGE = 4096;

    private CodeMemory() {}

    /** No code can run here; the message, which begins in lower case, says why. */
    public static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;

        private Refused(String why) {
            super(why, null, false, false);
        }
    }

    /** Whether the system and the processor are those that code is made for, Linux on x86-64; it may be refused even so. */
    public static boolean isFor() {
        return System.getProperty("os.name").equals("Linux") && List.of("amd64", "x86_64").contains(System.getProperty("os.arch").toLowerCase(Locale.ROOT));
    }

    /** Puts code where it can run. @return its entry, an address without a size @throws Refused if the machine is another one or the system forbids it */
    @SuppressWarnings("restricted") // reinterpret: the JVM is started with --enable-native-access
    public static MemorySegment place(byte[] code) {
        if (!isFor()) {
            throw new Refused("machine code is for Linux on x86-64 only, this is " + System.getProperty("os.name") + " on " + System.getProperty("os.arch"));
        }
        if (Boolean.getBoolean(REFUSE)) {
            throw new Refused("executable memory is refused by -D" + REFUSE);
        }
        MemoryCalls calls = MemoryCalls.here().orElseThrow(() -> new Refused("system calls for memory cannot be made, is native access allowed?"));
        long size = (code.length + PAGE - 1L) / PAGE * PAGE;
        long at = calls.map(size).orElseThrow(() -> new Refused("the system gives no memory for code"));
        MemorySegment.ofAddress(at).reinterpret(size).copyFrom(MemorySegment.ofArray(code));
        if (!calls.makeExecutable(at, size)) {
            calls.unmap(at, size);
            throw new Refused("the system forbids executable memory");
        }
        return MemorySegment.ofAddress(at);
    }
}
