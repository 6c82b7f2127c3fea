package dev.jacquard.kernels.driver;

/** A library's way to compute one problem. Belongs to the driver that it came from and ends with it. */
public interface MatrixEngine {
    /** What identifies it among the problem's engines: {@code cublas}, {@code cublasLt 0}, {@code cudnn fwd algo 1}, {@code cudnn graph 0 engine 36}. */
    String name();

    /** Scratch in bytes. */
    long workspace();

    /** Binds it to memory. @throws DriverException of kind LIBRARY if the library refuses */
    Bound bind(Operands operands);

    /** An engine with its operands. */
    @FunctionalInterface
    interface Bound {
        /** Puts the work into a stream, which may be capturing. Does not wait. @throws DriverException of kind LIBRARY if the library refuses */
        void enqueue(long stream);
    }

    /**
     * Device addresses, each a multiple of 16 bytes.
     *
     * @param a the problem's first operand
     * @param b its second
     * @param bias one number per column of the result (per channel), in the result's type; 0 without one
     * @param out the result, contiguous
     * @param workspace scratch of {@link MatrixEngine#workspace} bytes
     */
    record Operands(long a, long b, long bias, long out, long workspace) {}
}
