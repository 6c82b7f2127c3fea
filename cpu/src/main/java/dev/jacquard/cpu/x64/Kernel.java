package dev.jacquard.cpu.x64;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.backend.CodeMemory;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An emitted function of six longs, in rdi, rsi, rdx, rcx, r8, r9. A call costs some 10 ns once compiled, a microsecond before that, and allocates nothing: kernels work on a chunk
 * of a loop, not on a tile. The garbage collector does not wait for a kernel.
 */
@SuppressWarnings("restricted") // downcalls: the JVM is started with --enable-native-access
final class Kernel {
    private static final MethodHandle CALL = Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle CALL_TEN = Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final ConcurrentHashMap<Spec, Kernel> EMITTED = new ConcurrentHashMap<>();

    private final MemorySegment entry;

    /**
     * All that a kernel is specialised for. A record: equal ones are the same kernel, which is emitted once per process. Says in its javadoc what the six arguments are.
     */
    @FunctionalInterface
    interface Spec {
        /** Writes the function. */
        void emit(Assembler a);
    }

    private Kernel(MemorySegment entry) {
        this.entry = entry;
    }

    /** The kernel of a spec. @throws CodeMemory.Refused where code cannot be emitted */
    static Kernel of(Spec spec) {
        return EMITTED.computeIfAbsent(spec, s -> {
            Assembler a = new Assembler();
            s.emit(a);
            return new Kernel(CodeMemory.place(a.bytes()));
        });
    }

    /** Runs it. */
    void run(long a, long b, long c, long d, long e, long f) {
        try {
            CALL.invokeExact(entry, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new EngineBugException("kernel", "a call of emitted code threw", t.toString(), "nothing", "report this with the stack trace", t);
        }
    }

    /** Runs a function of ten arguments, the last four on the stack: see {@link Assembler#argument}. @return what it left in rax */
    long call(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
        try {
            return (long) CALL_TEN.invokeExact(entry, a, b, c, d, e, f, g, h, i, j);
        } catch (Throwable t) {
            throw new EngineBugException("kernel", "a call of emitted code threw", t.toString(), "a return value", "report this with the stack trace", t);
        }
    }
}
