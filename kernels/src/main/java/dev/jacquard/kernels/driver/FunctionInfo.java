package dev.jacquard.kernels.driver;

/**
 * What a kernel needs.
 *
 * @param registers per thread; 0 where nobody knows (the emulator)
 * @param sharedBytes static shared memory of a block
 * @param localBytes of a thread: spills and stack
 * @param maxThreadsPerBlock largest block it can be launched with
 */
public record FunctionInfo(int registers, int sharedBytes, int localBytes, int maxThreadsPerBlock) {}
