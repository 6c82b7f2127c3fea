package dev.jacquard.cpu;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * Native memory between two pages that may not be touched: a read or write beyond the one that it lies at ends the process. Guard bands find writes; this finds reads as well.
 * Linux only.
 */
@SuppressWarnings("restricted") // downcalls: the JVM is started with --enable-native-access
final class Fence implements AutoCloseable {
    /** Which end lies at a page that may not be touched. */
    enum Side { BEGINNING, END }

    private static final long PAGE = 4096;
    private static final int READ_WRITE = 3;
    private static final int NO_ACCESS = 0;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final MethodHandle MMAP = call("mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MPROTECT = call("mprotect", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle MUNMAP = call("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

    private final long map;
    private final long size;

    /** First byte. */
    final long address;
    /** Usable bytes. */
    final long bytes;

    /** @param alignment of the address; at the end it leaves up to so many bytes before the forbidden page */
    Fence(long bytes, Side side, long alignment) {
        this.bytes = bytes;
        long inner = (bytes + PAGE - 1) / PAGE * PAGE;
        size = inner + 2 * PAGE;
        try {
            map = (long) MMAP.invokeExact(0L, size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            int low = (int) MPROTECT.invokeExact(map, PAGE, NO_ACCESS);
            int high = (int) MPROTECT.invokeExact(map + PAGE + inner, PAGE, NO_ACCESS);
            if (map == -1 || low != 0 || high != 0) {
                throw new IllegalStateException("no fenced memory of " + bytes + " bytes");
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        address = side == Side.BEGINNING ? map + PAGE : map + PAGE + inner - bytes & -alignment;
    }

    private static MethodHandle call(String name, FunctionDescriptor type) {
        SymbolLookup libc = Linker.nativeLinker().defaultLookup();
        return Linker.nativeLinker().downcallHandle(libc.findOrThrow(name), type);
    }

    MemorySegment segment() {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    @Override
    public void close() {
        try {
            int ignored = (int) MUNMAP.invokeExact(map, size);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
