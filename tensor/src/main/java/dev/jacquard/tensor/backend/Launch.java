package dev.jacquard.tensor.backend;

/** A kernel bound to its operands, made once and run as often as wanted. Running allocates nothing. */
@FunctionalInterface
public interface Launch {
    /** Computes. On a device with a queue it may return before the result is there. */
    void run();

    /** Releases what the launch itself holds on the device, which is by default nothing. It cannot run afterwards. */
    default void release() {}
}
