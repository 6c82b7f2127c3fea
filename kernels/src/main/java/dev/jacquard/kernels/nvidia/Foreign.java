package dev.jacquard.kernels.nvidia;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Collections;

/**
 * Calls of C functions with integers and addresses only. All are passed as 64 bits: in the calling convention of x86-64 Linux, where alone these libraries are looked for, an int
 * takes a whole register or stack slot whose upper half the callee ignores. So a function's shape is its number of arguments, and the start costs some milliseconds per number and
 * not per function.
 */
@SuppressWarnings("restricted") // FFM is what this class is for
final class Foreign {
    private static final class One {
        static final MethodHandle CALL = shape(1);
        static final MethodHandle WIDE = Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(ValueLayout.JAVA_LONG));
        static final MethodHandle TEXT = Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    }

    private static final class Two {
        static final MethodHandle CALL = shape(2);
    }

    private static final class Three {
        static final MethodHandle CALL = shape(3);
    }

    private static final class Four {
        static final MethodHandle CALL = shape(4);
    }

    private static final class Five {
        static final MethodHandle CALL = shape(5);
    }

    private static final class Six {
        static final MethodHandle CALL = shape(6);
    }

    private static final class Eight {
        static final MethodHandle CALL = shape(8);
    }

    private static final class Ten {
        static final MethodHandle CALL = shape(10);
    }

    private static final class Sixteen {
        static final MethodHandle CALL = shape(16);
    }

    private Foreign() {}

    private static MethodHandle shape(int arguments) {
        return Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(ValueLayout.JAVA_INT,
                Collections.nCopies(arguments, ValueLayout.JAVA_LONG).toArray(MemoryLayout[]::new)));
    }

    /** A checked exception out of a handle would be a mistake in its shape. */
    private static AssertionError impossible(Throwable t) {
        return new AssertionError("a call of a library threw", t);
    }

    /** A function without arguments that gives a {@code size_t}. */
    static long number(MemorySegment f) {
        try {
            return (long) One.WIDE.invokeExact(f);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    /** A function of two arguments without a result. */
    static void tell(MemorySegment f, long a, long b) {
        try {
            One.TEXT.invokeExact(f, a, b);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a) {
        try {
            return (int) One.CALL.invokeExact(f, a);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b) {
        try {
            return (int) Two.CALL.invokeExact(f, a, b);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b, long c) {
        try {
            return (int) Three.CALL.invokeExact(f, a, b, c);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b, long c, long d) {
        try {
            return (int) Four.CALL.invokeExact(f, a, b, c, d);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b, long c, long d, long e) {
        try {
            return (int) Five.CALL.invokeExact(f, a, b, c, d, e);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b, long c, long d, long e, long g) {
        try {
            return (int) Six.CALL.invokeExact(f, a, b, c, d, e, g);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b, long c, long d, long e, long g, long h, long i) {
        try {
            return (int) Eight.CALL.invokeExact(f, a, b, c, d, e, g, h, i);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b, long c, long d, long e, long g, long h, long i, long j, long k) {
        try {
            return (int) Ten.CALL.invokeExact(f, a, b, c, d, e, g, h, i, j, k);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }

    static int call(MemorySegment f, long a, long b, long c, long d, long e, long g, long h, long i, long j, long k, long l, long m, long n, long o, long p, long q) {
        try {
            return (int) Sixteen.CALL.invokeExact(f, a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q);
        } catch (Throwable t) {
            throw impossible(t);
        }
    }
}
