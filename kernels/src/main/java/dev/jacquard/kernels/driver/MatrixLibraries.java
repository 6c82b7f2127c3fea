package dev.jacquard.kernels.driver;

import java.util.List;

/**
 * Libraries of the device's maker that compute matrix products and convolutions: cuBLAS, cuBLASLt, cuDNN. Nothing in Jacquard needs them; where one is present and fit, its engines
 * are candidates beside our own kernels. Where one is absent or unfit, the reason is logged once and is in {@link #report}. Thread-safe.
 */
public interface MatrixLibraries {
    /** No library: the emulator's, and what {@code --libs off} asks for. */
    MatrixLibraries NONE = new MatrixLibraries() {
        @Override
        public List<MatrixEngine> product(ProductProblem problem) {
            return List.of();
        }

        @Override
        public List<MatrixEngine> convolution(ConvolutionProblem problem) {
            return List.of();
        }

        @Override
        public String versions() {
            return "none";
        }

        @Override
        public List<String> report() {
            return List.of();
        }
    };

    /** Ways to compute a product, each library's best guess first. Empty if none has one; never throws for a problem that a library does not support. */
    List<MatrixEngine> product(ProductProblem problem);

    /** Ways to compute a pass over a convolution. Those that are not bitwise repeatable, or that compute with less precision than the types say, are left out. */
    List<MatrixEngine> convolution(ConvolutionProblem problem);

    /**
     * The libraries in use with their versions, in one word each: {@code cublas-13.1.0 cudnn-9.19.0}; {@code none} without. Part of the key under which measured choices are
     * remembered.
     */
    String versions();

    /** A line for each library: which file and version is used, or why none is. */
    List<String> report();
}
