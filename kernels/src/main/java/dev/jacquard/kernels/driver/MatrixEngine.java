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
     * @param scale one number per column of the result (per channel), in F32 whatever the result's floating type; 0 without one
     * @param bias the same to be added; 0 without one
     * @param residual what is added to the result, like it; 0 without one
     * @param out the result, contiguous
     * @param workspace scratch of {@link MatrixEngine#workspace} bytes
     */
    record Operands(long a, long b, long scale, long bias, long residual, long out, long workspace) {
        /** Those of a problem without an epilogue. */
        public Operands(long a, long b, long out, long workspace) {
            this(a, b, 0, 0, 0, out, workspace);
        }

        /** Whether they are those that an epilogue takes. */
        public boolean fit(Epilogue e) {
            return (scale != 0) == e.scale() && (bias != 0) == e.bias() && (residual != 0) == e.residual();
        }

        /** The same with other scratch. */
        public Operands withWorkspace(long at) {
            return new Operands(a, b, scale, bias, residual, out, at);
        }
    }
}
