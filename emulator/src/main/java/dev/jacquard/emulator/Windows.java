package dev.jacquard.emulator;

/** Where the state spaces other than global appear among generic addresses. */
final class Windows {
    static final long SHARED = 0x0100_0000_0000L;
    static final long LOCAL = 0x0200_0000_0000L;
    static final long PARAM = 0x0300_0000_0000L;
    static final long SIZE = 0x1_0000_0000L;
    /** Shared memory's first offset; below it nothing is mapped, so that a null pointer is found. */
    static final int SHARED_START = 1024;

    private Windows() {}

    static boolean in(long window, long address) {
        return address - window >= 0 && address - window < SIZE;
    }
}
