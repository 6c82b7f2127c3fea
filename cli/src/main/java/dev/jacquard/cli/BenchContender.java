package dev.jacquard.cli;

/** A side of {@code jacquard bench}, with a case prepared. */
interface BenchContender extends AutoCloseable {
    /** {@code jacquard}, {@code pytorch eager}. */
    String name();

    /** Milliseconds of each of as many steps as fit into a time; of inference, each is waited for, so that they are latencies. */
    double[] time(double seconds);

    /** Most device memory that it has used, in bytes; 0 if it does not know. */
    long memoryBytes();

    /** Lets the case go. */
    @Override
    void close();
}
