package dev.jacquard.cpu;

/**
 * A forward convolution, or a backward of data, planned for its shape, over weights that are brought into an order of its own beforehand: NHWC float32 at native addresses. Results
 * are bitwise the same for every thread count. Neither method allocates. A plan is not for two threads at once.
 */
public interface PackedConv {
    /** Bytes of packed weights, which should lie on a cache line. */
    long packedBytes();

    /** Packs weights. @param weight KRSC, as {@link Conv} takes them */
    void pack(long weight, long packed);

    /** Scratch that {@link #run} needs, in bytes; should lie on a cache line. */
    long workspaceBytes();

    /**
     * Says where all later runs have what the epilogue reads or writes besides: once for each kind of it, before the first run.
     *
     * @throws UnsupportedOperationException if the plan has no such thing
     */
    default void beside(Beside operands) {
        throw new UnsupportedOperationException(operands.toString());
    }

    /**
     * Runs the plan; the output is overwritten and must not overlap an input, but for the residual, which it may be.
     *
     * @param in forward: x; backward of data: dy
     * @param packed as {@link #pack} left it
     * @param scale a float per output channel, if the epilogue has one
     * @param shift a float per output channel, if the epilogue has one
     * @param residual of the output's shape, if the epilogue has one
     * @param out forward: y; backward of data: dx
     */
    void run(long in, long packed, long scale, long shift, long residual, long out, long workspace);
}
